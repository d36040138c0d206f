"""What is left on a server is said; what the server has not noticed yet is waited for."""

from __future__ import annotations

import contextlib

import psycopg2
import pytest

from pytest_resilience.chaos.state.leaks import connections, leaks


@pytest.fixture
def left(database):
    """A connection that its workload forgot."""
    with contextlib.closing(psycopg2.connect(database)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select 1", ("1 connection still open (1 idle in transaction)",)),
        (
            "select pg_advisory_lock(7)",
            ("1 connection still open (1 idle in transaction)", "1 advisory lock still held"),
        ),
        (
            "create temp table kept (a int)",
            ("1 connection still open (1 idle in transaction)",),
        ),
    ],
)
def test_what_is_left_is_said(database, left, sql, words):
    """Open connections by their state, and the locks that they hold."""
    left.cursor().execute(sql)

    assert leaks(database, patience=0)[: len(words)] == words


def test_prepared_transaction_is_said(database, left):
    """It outlives its connection."""
    left.cursor().execute("create table t (a int); insert into t values (1)")
    left.commit()
    left.tpc_begin("left behind")
    left.cursor().execute("insert into t values (2)")
    left.tpc_prepare()
    words = leaks(database, patience=0)
    left.tpc_rollback()

    assert "1 prepared transaction neither committed nor rolled back" in words


def test_temporary_table_is_said(database, left):
    """A temporary table lives as long as its session."""
    left.autocommit = True
    left.cursor().execute("create temp table kept (a int)")

    assert leaks(database, patience=0) == ("1 connection still open (1 idle)", "1 temporary table left")


def test_clean_database_has_none(database):
    """Nobody there, nothing said."""
    assert leaks(database) == ()


def test_known_connections_are_no_leak(database, left):
    """Who was there before, and belongs there, is left out."""
    assert leaks(database, ignore=connections(database), patience=0) == ()


def test_server_is_given_time_to_notice(database, left):
    """A connection that closes while the oracle waits is no leak."""

    class Closing:
        """A clock at whose first tick the connection closes."""

        def monotonic(self):
            return 0.0

        def sleep(self, _seconds):
            left.close()

    assert leaks(database, clock=Closing()) == ()
