"""What sessions hold is seen, and told from what they held undisturbed; what goes on is waited for."""

from __future__ import annotations

import contextlib

import psycopg2
import pytest

from pytest_resilience.chaos.state.held import NOTHING, Held, held, held_for_good
from pytest_resilience.chaos.state.leaks import connections

WRITES = Held(connections=1, open=frozenset({(1, "12:00")}), tables=1)


@pytest.fixture
def kept(database):
    """A connection that a server keeps."""
    with contextlib.closing(psycopg2.connect(database)) as connection:
        yield connection


def test_idle_and_listening_connections_hold_nothing(database, kept):
    """They are counted, and no more."""
    kept.autocommit = True
    kept.cursor().execute("listen news")

    assert held(database) == Held(connections=1)
    assert held(database, ignore=connections(database)) == NOTHING


def test_a_transaction_is_seen_with_its_locks(database, kept):
    """One that has written keeps others from changing the table, and a lock of the session is one of its own."""
    kept.cursor().execute("create table t (a int); select pg_advisory_lock(7)")
    kept.commit()
    kept.cursor().execute("insert into t values (1)")
    seen = held(database)

    assert (len(seen.open), seen.tables, seen.advisory) == (1, 1, 1)


@pytest.mark.parametrize(
    ("seen", "usual", "calls", "at_once", "words"),
    [
        (WRITES, NOTHING, 1, 1, ("1 transaction left open while it is asked nothing, 1 table lock with it",)),
        (WRITES, Held(open=frozenset({(9, "11:00")})), 1, 1, ()),
        (Held(advisory=2), Held(advisory=1), 1, 1, ("1 advisory lock kept while it is asked nothing",)),
        (Held(advisory=1), Held(advisory=1), 1, 1, ()),
        (Held(connections=7), Held(connections=2), 5, 1, ("7 connections open",)),
        (Held(connections=7), Held(connections=2), 5, 6, ()),
        (Held(connections=3), Held(connections=2), 5, 1, ()),
        (Held(connections=4), Held(connections=2), 2, 1, ()),
        (Held(connections=10), Held(connections=2), 5, 1, ()),
    ],
    ids=["open", "always open", "lock", "leader", "grown", "at once", "by one", "few calls", "pool filled"],
)
def test_what_is_more_than_undisturbed_is_said(seen, usual, calls, at_once, words):
    """Nothing is said of what it does undisturbed, nor of a pool that has grown with what was asked at once."""
    said = seen.beyond(usual, calls=calls, at_once=at_once)

    assert [text[: len(word)] for text, word in zip(said, words, strict=True)] == list(words)


def test_transactions_that_come_and_go_are_work(ticking):
    """Only what stays the same until the end of patience is left open."""
    looks = iter([WRITES, Held(connections=1, open=frozenset({(1, "12:01")}), tables=1)])
    seen = held_for_good(lambda: next(looks), lambda one: one.beyond(NOTHING), clock=ticking)

    assert seen.open == frozenset()
    assert held_for_good(lambda: WRITES, lambda one: one.beyond(NOTHING), clock=ticking) == WRITES


@pytest.fixture
def ticking():
    """A clock that goes on by what is slept."""

    class Ticking:
        """Takes no real time."""

        now = 0.0

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    return Ticking()
