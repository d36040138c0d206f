"""Ask a PostgreSQL server whether it answers, within a time limit that no network can stretch."""

from __future__ import annotations

import contextlib
import select
from typing import Any

from pytest_resilience.clock import SystemClock
from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.classify import translated_errors

_CLOCK = SystemClock()
"""Our own, so that no virtual time stretches the limit."""


def check_answers(keywords: dict[str, Any], *, timeout: float) -> None:
    """Connect, ask `SELECT 1`, and leave.

    Args:
        keywords: psycopg2's.
        timeout: seconds for all of it.

    Raises:
        RetryableError: no right answer came in time.
        FatalError: the server or libpq will refuse this configuration again.
    """
    import psycopg2

    limit = _CLOCK.monotonic() + timeout
    with (
        translated_errors("asking the database for a sign of life"),
        contextlib.closing(psycopg2.connect(**keywords, async_=1)) as connection,
    ):
        _wait(connection, limit)
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("SELECT 1")
            _wait(connection, limit)
            answer = cursor.fetchone()
    if answer is None or tuple(answer) != (1,):
        raise RetryableError(f"the database answered SELECT 1 with {answer!r}")


def _wait(connection: Any, limit: float) -> None:
    from psycopg2.extensions import POLL_OK, POLL_READ

    while (state := connection.poll()) != POLL_OK:
        remaining = limit - _CLOCK.monotonic()
        reading, writing = ([connection], []) if state == POLL_READ else ([], [connection])
        if remaining <= 0 or not any(select.select(reading, writing, [], remaining)):
            raise RetryableError("the database did not answer in time; see whether it is up and reachable")
