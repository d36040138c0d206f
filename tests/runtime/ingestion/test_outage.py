"""The database goes away, or does not answer."""

from __future__ import annotations

import threading

import pytest

from pytest_resilience import (
    FatalError,
    RetryableError,
    ingest_data_with_checkpoint,
)


def test_an_unreachable_database_is_retryable(stays):
    """Nothing listens there: call again later."""
    with pytest.raises(RetryableError, match="connecting to the database"):
        ingest_data_with_checkpoint(stays, "raw.stays", dsn="postgresql://nobody@127.0.0.1:1/nothing")


def test_wrong_credentials_are_fatal_and_not_shown(stays, server):
    """The password is in no message."""
    wrong = server.dsn("postgres").replace(server.password, "wrong-secret")

    with pytest.raises(FatalError) as caught:
        ingest_data_with_checkpoint(stays, "raw.stays", dsn=wrong)
    assert "wrong-secret" not in str(caught.value)


def test_a_terminated_connection_is_retryable(stays, table, ingest, rows):
    """An administrator ends the connection in the middle; the same call finishes the job."""
    rows(
        "create function die() returns trigger language plpgsql as"
        " $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;"
        " create trigger die before insert on raw.stays for each row when (new.stay_id = 15) execute "
        "function die()"
    )
    with pytest.raises(RetryableError, match="run it again"):
        ingest(stays)
    rows("drop trigger die on raw.stays")

    assert ingest(stays).resumed_from == 10
    assert table("stay_id") == [(n,) for n in range(25)]


def test_a_database_that_does_not_answer_is_given_up(stays, table, relayed, ingest):
    """A hanging connection is cut after the time-out, wherever libpq is, and the next run goes on."""
    silent = threading.Event()

    def judge(message):
        if b"copy" in message.text.lower():
            silent.wait()

    relay = relayed(judge=judge)
    with pytest.raises(RetryableError, match=r"no answer from the database within 0\.5 s"):
        ingest(stays, dsn=relay.dsn, timeout=0.5)
    silent.set()

    assert ingest(stays).rows == 25
    assert len(table()) == 25


def test_a_database_that_hangs_at_the_very_end_is_not_waited_for(stays, table, relayed, ingest):
    """All rows are there when the lock is given back, and the next run finds them so."""
    silent = threading.Event()

    def judge(message):
        if b"pg_advisory_unlock" in message.text.lower():
            silent.wait()

    relay = relayed(judge=judge)
    with pytest.raises(RetryableError, match=r"no answer from the database within 0\.5 s"):
        ingest(stays, dsn=relay.dsn, timeout=0.5)
    silent.set()

    assert len(table()) == 25
    assert ingest(stays).rows == 25
    assert len(table()) == 25
