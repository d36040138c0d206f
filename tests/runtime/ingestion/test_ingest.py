"""Ingestion: every row of the file once in the table, whichever connection carries it."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import subprocess
import sys

import psycopg
import psycopg2
import psycopg2.extras
import pytest
import sqlalchemy

from pytest_resilience import (
    FatalError,
    ingest_data_with_checkpoint,
)


def test_every_row_arrives_once(stays, table, ingest, rows):
    """An undisturbed run brings every row once, says so, and leaves no checkpoint."""
    result = ingest(stays)

    assert (result.rows, result.rejected, result.resumed_from, result.batches) == (25, 0, 0, 3)
    assert table("stay_id") == [(n,) for n in range(25)]
    assert rows("select count(*) from resilience_checkpoints") == [(0,)]


def test_the_default_batch_is_ten_thousand_rows(write, database, rows):
    """The policy's own number."""
    rows("create table t (a int)")
    path = write("a\n" + "".join(f"{n}\n" for n in range(20_001)))

    result = ingest_data_with_checkpoint(path, "t", dsn=database)

    assert (result.rows, result.batches) == (20_001, 3)


def test_the_address_comes_from_the_environment(stays, table, database, monkeypatch):
    """Without connection= and dsn=, `DATABASE_URL` says where; its scheme may name a driver."""
    monkeypatch.setenv("DATABASE_URL", database.replace("://", "+psycopg2://"))

    assert ingest_data_with_checkpoint(str(stays), "raw.stays").rows == 25


def test_without_an_address_the_error_names_the_variable(stays, monkeypatch):
    """The message says what to set."""
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(FatalError, match="DATABASE_URL"):
        ingest_data_with_checkpoint(stays, "raw.stays")


def dict_rows(dsn):
    """Connect with rows that are mappings."""
    return psycopg2.connect(dsn, cursor_factory=psycopg2.extras.RealDictCursor)


def autocommitting(dsn):
    """Connect in autocommit mode."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    return connection


OPENERS = {
    "psycopg2": psycopg2.connect,
    "psycopg2 autocommit": autocommitting,
    "psycopg2 with mappings": dict_rows,
    "psycopg 3": psycopg.connect,
    "psycopg 3 autocommit": lambda dsn: psycopg.connect(dsn, autocommit=True),
    "psycopg 3 with mappings": lambda dsn: psycopg.connect(dsn, row_factory=psycopg.rows.dict_row),
    "sqlalchemy": lambda dsn: sqlalchemy.create_engine(
        dsn.replace("://", "+psycopg2://"), poolclass=sqlalchemy.NullPool
    ).connect(),
}


@pytest.mark.parametrize("opener", OPENERS)
def test_a_given_connection_is_used_and_left_open_and_idle(opener, write, table, database):
    """Whichever driver made it: rows go in, wrong ones are found, its mode stays, and it holds no lock."""
    path = write("stay_id,unit\n1,MICU\nx,MICU\n" + "".join(f"{n},MICU\n" for n in range(2, 25)))
    with contextlib.closing(OPENERS[opener](database)) as connection:
        raw = getattr(connection, "connection", connection)
        raw = getattr(raw, "driver_connection", raw)
        mode = raw.autocommit
        result = ingest_data_with_checkpoint(path, "raw.stays", connection=connection, batch_size=10)
        with contextlib.closing(psycopg2.connect(database)) as other, other.cursor() as cursor:
            cursor.execute("select count(*) from pg_locks where locktype = 'advisory'")
            locks = cursor.fetchone()

        assert (result.rows, result.rejected) == (24, 1)
        assert (raw.autocommit, int(raw.info.transaction_status), locks) == (mode, 0, (0,))
    assert len(table()) == 24


@pytest.mark.parametrize("opener", ["psycopg2", "psycopg 3"])
@pytest.mark.parametrize("note", ["a", "\\"], ids=["sent as it was read", "looked at row by row"])
def test_what_is_longer_than_is_sent_at_once_arrives_whole(opener, note, write, table, database):
    """Rows lie across the pieces in which a batch is read and sent."""
    notes = [str(number) + note * 50_000 for number in range(10)]
    path = write("stay_id,unit,note\n" + "".join(f"{n},a,{text}\n" for n, text in enumerate(notes)))
    with contextlib.closing(OPENERS[opener](database)) as connection:
        ingest_data_with_checkpoint(path, "raw.stays", connection=connection)

    assert [text for (text,) in table("note")] == notes


def test_what_is_open_on_a_given_connection_is_committed_first(stays, table, connection):
    """A caller that has not committed yet does not lose its work, nor keep a transaction open."""
    with connection.cursor() as cursor:
        cursor.execute("insert into raw.stays values (1000, 'before')")

    ingest_data_with_checkpoint(stays, "raw.stays", connection=connection)

    assert len(table()) == 26


def test_an_aborted_transaction_is_refused(stays, table, connection):
    """A connection that came in broken has lost something already."""
    with connection.cursor() as cursor, contextlib.suppress(psycopg2.Error):
        cursor.execute("nonsense")

    with pytest.raises(FatalError, match="aborted transaction"):
        ingest_data_with_checkpoint(stays, "raw.stays", connection=connection)


@pytest.mark.parametrize("wrong", ["sqlite", "text"])
def test_another_kind_of_connection_is_refused(wrong, stays):
    """The message says what was given and what is expected."""
    given_connection = sqlite3.connect(":memory:") if wrong == "sqlite" else "postgresql://"
    with pytest.raises(FatalError, match="psycopg"):
        ingest_data_with_checkpoint(stays, "raw.stays", connection=given_connection)
    if wrong == "sqlite":
        given_connection.close()


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(
    stays, table, ingest, caplog, capsys, monkeypatch
):
    """The bar goes to standard error; without one, begin and end are logged."""
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("COLUMNS", "200")
    ingest(stays, progress_bar=True)
    bar = capsys.readouterr().err
    ingest(stays, progress_bar=False, start_over=True, target="raw.stays", quality_threshold=0)

    assert "stays.csv" in bar
    assert "row 25" in bar
    assert "begun at row 0" in caplog.text
    assert "finished" in caplog.text


def test_memory_does_not_grow_with_the_file(tmp_path, database, rows):
    """Ten times the rows need about the same memory."""
    rows("create table t (a int, b text)")
    script = (
        "import sys\n"
        "from pytest_resilience import ingest_data_with_checkpoint\n"
        "ingest_data_with_checkpoint(sys.argv[1], 't', dsn=sys.argv[2])\n"
        "status = open('/proc/self/status').read()\n"
        "print(status.partition('VmHWM:')[2].split()[0])\n"
    )
    peaks = []
    for count in (20_000, 200_000):
        path = tmp_path / f"{count}.csv"
        path.write_text("a,b\n" + "".join(f"{n},{'x' * 60}\n" for n in range(count)))
        done = subprocess.run(
            [sys.executable, "-c", script, str(path), database], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))

    assert peaks[1] - peaks[0] < 10_000  # KiB
