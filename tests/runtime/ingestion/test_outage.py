"""The database goes away, or does not answer."""

from __future__ import annotations

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


@pytest.mark.parametrize("where", ["^copy", "pg_advisory_unlock"])
def test_a_database_that_does_not_answer_is_given_up(where, stays, table, proxied, ingest):
    """A hanging connection is cut after the time-out, wherever libpq is, and the next run goes on.

    When the lock is given back all rows are there, and the next run finds them so.
    """
    with (
        proxied.at(sql=where).hang(),
        pytest.raises(RetryableError, match=r"no answer from the database within 0\.5 s"),
    ):
        ingest(stays, dsn=proxied.dsn, timeout=0.5)
    assert len(table()) == (0 if where == "^copy" else 25)

    assert ingest(stays).rows == 25
    assert len(table()) == 25
