"""The database goes away under an ingestion, and every row is in the table exactly once all the same."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from icu_platform.ingestion_agent import DataIngestionAgent
from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.postgres_handle import PostgresHandle

Ask = Callable[[str], list[tuple[Any, ...]]]

pytestmark = pytest.mark.chaos(proves=["backoff", "transactions", "checkpoints"])


def _keys(source: Path) -> list[int]:
    """Return the keys that the source holds: the first column."""
    with source.open(newline="") as stream:
        return sorted(int(next(iter(row.values()))) for row in csv.DictReader(stream))


def _keys_in(ask: Ask, table: str, key: str) -> list[int]:
    """Return the keys that the table holds, doubles included, but for the earlier stay's."""
    query = f"select {key} from {table} where {key} <> 29999999 order by 1"  # noqa: S608 - names of ours
    return [row[0] for row in ask(query)]


def test_database_connection_loss(warehouse: PostgresHandle, ask: Ask, biopsies: Path) -> None:
    """The policy's own example: lost after 100 rows, here for two seconds."""
    ask("create table raw.test (like raw.breast_cancer including all)")
    db_connection_string = warehouse.dsn
    agent = DataIngestionAgent(db_connection_string)

    with warehouse.at(rows=100).down(duration=2):
        result = agent.execute({"source_file": biopsies, "target_table": "raw.test"})

    assert result.is_success()
    assert "recovered_from_error" in result.metadata
    assert result.metadata["recovered_from_error"] is True
    assert _keys_in(ask, "raw.test", "sample_id") == _keys(biopsies)


def _at_commit(warehouse: PostgresHandle) -> Fault:
    return warehouse.at("COMMIT", nth=2).cut()


def _at_commits_reply(warehouse: PostgresHandle) -> Fault:
    return warehouse.at("COMMIT", side="reply", nth=2).cut()


def _in_the_rows(warehouse: PostgresHandle) -> Fault:
    return warehouse.at(rows=2_500).reset()


def _shut_down(warehouse: PostgresHandle) -> Fault:
    return warehouse.at("CopyDone", nth=3).error("57P01")


@pytest.mark.parametrize("loss", [_at_commit, _at_commits_reply, _in_the_rows, _shut_down])
def test_connection_lost_in_a_batch(
    warehouse: PostgresHandle, ask: Ask, stays: Path, loss: Callable[[PostgresHandle], Fault]
) -> None:
    """Wherever in a batch the connection breaks, known or not to have committed, no stay is lost or doubled."""
    agent = DataIngestionAgent(warehouse.dsn, wait=0.1, batch_size=1_000)

    with loss(warehouse):
        result = agent.execute({"source_file": stays, "target_table": "raw.icustays"})

    assert (result.is_success(), result.metadata["recovered_from_error"]) == (True, True)
    assert _keys_in(ask, "raw.icustays", "stay_id") == _keys(stays)


def test_lost_for_good_is_resumed_later(warehouse: PostgresHandle, ask: Ask, stays: Path) -> None:
    """An ingestion that gives up says so, keeps what it committed, and goes on from there the next time."""
    agent = DataIngestionAgent(warehouse.dsn, wait=0, max_retries=1, max_pause=0, batch_size=1_000)
    task = {"source_file": stays, "target_table": "raw.icustays"}

    with warehouse.at(rows=2_500).down():
        given_up = agent.execute(task)
    kept = len(_keys_in(ask, "raw.icustays", "stay_id"))
    resumed = agent.execute(task)

    assert (given_up.is_success(), given_up.metadata["recovered_from_error"]) == (False, False)
    assert kept == 2_000
    assert (resumed.is_success(), resumed.metadata["resumed_from"]) == (True, kept)
    assert _keys_in(ask, "raw.icustays", "stay_id") == _keys(stays)


def test_slow_database(warehouse: PostgresHandle, ask: Ask, biopsies: Path) -> None:
    """With two seconds of latency on every answer the ingestion takes longer, and nothing else."""
    agent = DataIngestionAgent(warehouse.dsn)

    with warehouse.latency(2, duration=5):
        result = agent.execute({"source_file": biopsies, "target_table": "raw.breast_cancer"})

    assert (result.is_success(), result.metadata["recovered_from_error"]) == (True, False)
    assert _keys_in(ask, "raw.breast_cancer", "sample_id") == _keys(biopsies)
