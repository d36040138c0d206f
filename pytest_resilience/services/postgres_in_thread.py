"""A connection to PostgreSQL for threads of ours, beside which other threads may set environment variables.

libpq reads the environment when it connects, and a synchronous psycopg2 connection does so without the interpreter's
lock: where `setenv` moves the variables at that moment, the process dies (POSIX, getenv).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def connected_in_thread(dsn: str) -> Iterator[Any]:
    """Open an asynchronous psycopg2 connection, which is in autocommit mode, and close it."""
    import psycopg2
    from psycopg2.extras import wait_select

    with contextlib.closing(psycopg2.connect(dsn, async_=1)) as connection:
        wait_select(connection)
        yield connection


def run_in_thread(dsn: str, statement: str) -> None:
    """Run one statement on a connection of its own."""
    from psycopg2.extras import wait_select

    with connected_in_thread(dsn) as connection, contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        wait_select(connection)
