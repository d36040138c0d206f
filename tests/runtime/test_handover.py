"""The time that remains, handed on to PostgreSQL, libpq and HTTP clients."""

from __future__ import annotations

import contextlib

import pytest

from pytest_resilience import DeadlineExceededError
from pytest_resilience.runtime import handover
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.testing import FakeClock


@contextlib.contextmanager
def within(limit):
    """A deadline on a clock that stands still."""
    with Deadline(limit, clock=FakeClock(monotonic=0.0)):
        yield


def test_without_a_deadline_the_default_is_used():
    """And without a default there is no limit: 0 to PostgreSQL and libpq, `None` to HTTP clients."""
    seen = [
        [
            function(default)
            for function in (handover.statement_timeout, handover.connect_timeout, handover.http_timeout)
        ]
        for default in (None, 2.5)
    ]

    assert seen == [[0, 0, None], [2500, 2, 2.5]]


@pytest.mark.parametrize(
    ("limit", "default", "expected"),
    [
        (10, None, [10_000, 10, 10]),
        (10, 2.5, [2500, 2, 2.5]),
        (1.5, 30, [1500, 1, 1.5]),
        (0.0004, None, [1, 1, 0.0004]),
    ],
)
def test_the_time_that_remains_is_handed_on(limit, default, expected):
    """At most the default; never 0, which would mean no limit at all."""
    with within(limit):
        seen = [
            handover.statement_timeout(default),
            handover.connect_timeout(default),
            handover.http_timeout(default),
        ]

    assert expected == seen


def test_keywords_for_connect():
    """What `psycopg2.connect` and `psycopg.connect` take."""
    with within(10):
        assert handover.libpq_limits() == {"connect_timeout": 10, "options": "-c statement_timeout=10000"}


def test_no_time_left_is_an_error():
    """Nothing is begun that could not end."""
    clock = FakeClock()
    with contextlib.suppress(DeadlineExceededError), Deadline(5, clock=clock):
        clock.advance(6)
        for function in (handover.statement_timeout, handover.connect_timeout, handover.http_timeout):
            with pytest.raises(DeadlineExceededError):
                function(3)


def test_postgres_keeps_the_limit(database):
    """A real server cancels a statement that outlives the deadline, and the transaction's end lifts the limit."""
    import psycopg2

    with contextlib.closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        with within(0.05):
            handover.limit_statements(cursor)
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("select pg_sleep(3600)")
        connection.rollback()
        cursor.execute("show statement_timeout")

        assert cursor.fetchone() == ("0",)


def test_libpq_takes_the_keywords(database):
    """A real connection is made with them."""
    import psycopg2

    with within(10):
        connection = psycopg2.connect(database, **handover.libpq_limits())
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("show statement_timeout")

        assert cursor.fetchone() == ("10s",)


@pytest.mark.parametrize("default", [-1, float("nan")])
def test_nonsense_is_refused(default):
    """With the value."""
    with pytest.raises(ValueError, match=str(default)):
        handover.http_timeout(default)


def test_a_distant_deadline_is_handed_on_as_the_longest_limit():
    """PostgreSQL refuses a statement_timeout of more than 24.8 days."""
    with within(10 * 365 * 86_400):
        assert handover.statement_timeout() == 2**31 - 1
    with within(100 * 365 * 86_400):
        assert handover.connect_timeout() == 2**31 - 1
