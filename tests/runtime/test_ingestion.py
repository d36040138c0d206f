"""Ingestion: every row of the file once in the table, whatever happens on the way."""

from __future__ import annotations

import pytest

from pytest_resilience import (
    FatalError,
    execute_with_rollback,
    ingest_data_with_checkpoint,
    recover_database_connection,
)


@pytest.fixture
def stays(tmp_path):
    """A file of 25,000 rows."""
    path = tmp_path / "stays.csv"
    path.write_text("stay_id,unit\n" + "".join(f"{n},MICU\n" for n in range(25_000)))
    return path


def test_every_row_arrives_once(stays, database, rows):
    """An undisturbed run brings every row once, and leaves no checkpoint."""
    rows("create schema raw")
    rows("create table raw.stays (stay_id int, unit text)")

    result = ingest_data_with_checkpoint(stays, "raw.stays", dsn=database)

    assert (result.rows, result.resumed_from, result.batches) == (25_000, 0, 3)
    assert rows("select count(*), count(distinct stay_id) from raw.stays") == [(25_000, 25_000)]
    assert rows("select count(*) from resilience_checkpoints") == [(0,)]


def test_smoke(connection, database, tmp_path):
    """The other functions work."""
    outcome = execute_with_rollback(
        connection, ["create table t (a int)", ("insert into t values (%s)", (1,))]
    )
    assert outcome
    assert not execute_with_rollback(
        connection, ["insert into t values (2)", "insert into nowhere values (1)"]
    )
    assert recover_database_connection({"dsn": database})
    with pytest.raises(FatalError, match="DATABASE_URL"):
        ingest_data_with_checkpoint(__file__, "t")
