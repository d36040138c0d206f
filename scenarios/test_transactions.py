"""Two changes that belong together are made both or neither, and once, also when nobody hears that they were made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from icu_platform.ingestion_agent import DataIngestionAgent
from icu_platform.transfer import transfer
from pytest_resilience.chaos.postgres_handle import PostgresHandle

Ask = Callable[[str], list[tuple[Any, ...]]]

pytestmark = pytest.mark.chaos(proves=["transactions"])
STAY = 30_000_000
UNIT = "Coronary Care Unit (CCU)"
NOTED = "select count(*), (select last_careunit from raw.icustays where stay_id = 30000000) from analytics.transfers"


@pytest.fixture
def patient(warehouse: PostgresHandle, ask: Ask, stays: Path) -> tuple[int, str]:
    """A patient whose stay is in the database: how often a transfer was noted, and the unit."""
    agent = DataIngestionAgent(warehouse.direct_dsn)
    assert agent.execute({"source_file": stays, "target_table": "raw.icustays"}).is_success()
    ((noted, unit),) = ask(NOTED)
    assert (noted, unit == UNIT) == (0, False)
    return noted, unit


@pytest.mark.parametrize("side", ["request", "reply"])
def test_ambiguous_commit_is_resolved(
    warehouse: PostgresHandle, ask: Ask, patient: tuple[int, str], side: Literal["request", "reply"]
) -> None:
    """A lost COMMIT, or a lost reply to it, is found out; the same transfer again is noted once all the same."""
    with warehouse.at("COMMIT", side=side).cut():
        outcome = transfer(warehouse.dsn, STAY, UNIT, transfer_id="t-1")
    found = ask(NOTED)
    again = transfer(warehouse.dsn, STAY, UNIT, transfer_id="t-1")

    assert outcome.status == ("committed" if side == "reply" else "rolled_back")
    assert found == ([(1, UNIT)] if side == "reply" else [patient])
    assert (again.committed, again.repeated) == (True, side == "reply")
    assert ask(NOTED) == [(1, UNIT)]


@pytest.mark.parametrize("message", ["UPDATE", "INSERT"])
@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
@pytest.mark.usefixtures("patient")
def test_collision_runs_the_whole_unit_again(
    warehouse: PostgresHandle, ask: Ask, message: str, sqlstate: str
) -> None:
    """A serialization failure or a deadlock at either statement costs a second run of both."""
    with warehouse.at(message).error(sqlstate):
        outcome = transfer(warehouse.dsn, STAY, UNIT, transfer_id="t-1", base_delay=0.01)

    assert (outcome.committed, ask(NOTED)) == (True, [(1, UNIT)])
