"""The side connection: how the oracles look at a database around the proxy, without waiting for ever."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from typing import Any

from pytest_resilience.errors import HarnessError

NAME = "pytest-resilience-oracle"
"""The application name by which the oracles know their own connections."""
CONNECT_TIMEOUT = 30
"""Seconds: a server on a busy machine needs several to let anybody in, and one that is not there refuses at once."""
LOCK_TIMEOUT = 10.0
"""Seconds to wait for a lock: whoever holds one so long has left it behind."""
STATEMENT_TIMEOUT = 120.0
IDLE = 0
"""libpq's PQTRANS_IDLE: outside of a transaction."""
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+(?=://)")


class Kept:
    """Side connections that stay open for a while: a new one has to learn the catalogs before it can look.

    Looks from several threads each have their own.
    """

    def __init__(self) -> None:
        self._idle: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def open(self, dsn: str) -> Iterator[None]:
        """Keep the connections to one database open while the block runs."""
        with self._lock:
            self._idle[dsn] = []
        try:
            yield
        finally:
            with self._lock:
                idle = self._idle.pop(dsn, [])
            for connection in idle:
                connection.close()

    def take(self, dsn: str) -> Any | None:
        """Return a connection that is idle; none where there is none."""
        with self._lock:
            idle = self._idle.get(dsn)
            return idle.pop() if idle else None

    def give_back(self, dsn: str, connection: Any) -> None:
        """Keep a connection for the next look, or close it."""
        with self._lock:
            wanted = dsn in self._idle
        if wanted and _is_clean(connection):
            with self._lock:
                if dsn in self._idle:
                    self._idle[dsn].append(connection)
                    return
        connection.close()


def _is_clean(connection: Any) -> bool:
    """Leave no transaction open and no temporary table; tell whether the connection can be used again."""
    if connection.closed:
        return False
    with connection.cursor() as cursor:
        if connection.info.transaction_status != IDLE:
            cursor.execute("rollback")
        cursor.execute("discard temp")
    return True


KEPT = Kept()
"""The connections of this process that stay open."""


@contextlib.contextmanager
def side_connection(dsn: str) -> Iterator[Any]:
    """Open a psycopg2 connection in autocommit mode, or take one that was kept open, for one look.

    Args:
        dsn: a URL, also with a driver in its scheme (`postgresql+psycopg2://`), or `key=value` words.

    Raises:
        HarnessError: the server does not let us in.
    """
    connection = KEPT.take(dsn) or _opened(dsn)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    KEPT.give_back(dsn, connection)


def _opened(dsn: str) -> Any:
    import psycopg2

    timeouts = (
        f"-c lock_timeout={LOCK_TIMEOUT * 1000:.0f} -c statement_timeout={STATEMENT_TIMEOUT * 1000:.0f}"
    )
    try:
        opened = psycopg2.connect(
            _DRIVER.sub(r"\1", dsn), application_name=NAME, connect_timeout=CONNECT_TIMEOUT, options=timeouts
        )
    except psycopg2.ProgrammingError:
        raise HarnessError(  # libpq's own text quotes the address, with its password
            "The database cannot be looked at from the side: its address is none of PostgreSQL's. "
            "Write postgresql://user:password@host:port/database."
        ) from None
    except psycopg2.Error as error:
        raise HarnessError(
            f"The database cannot be looked at from the side: {first_line(error)}. "
            "Does the server run, and is it reached around the proxy?"
        ) from error
    opened.autocommit = True
    return opened


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text; those that follow show rows (DETAIL) and statements."""
    return str(error).strip().partition("\n")[0]
