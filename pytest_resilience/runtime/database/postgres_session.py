"""A PostgreSQL connection as bulk loading needs it, over psycopg2 or psycopg 3."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.database.connection import (
    TransactionState,
    closed_after,
    driver_connection,
    view_of,
)
from pytest_resilience.runtime.transaction import leave_clean

COPY_BLOCK = 1 << 18


class PostgresSession:
    """One connection, used by one thread.

    Args:
        connection: of psycopg2, psycopg 3, or SQLAlchemy over one of them.
    """

    def __init__(self, connection: Any) -> None:
        self._driver = driver_connection(connection)
        self._view = view_of(self._driver)
        maker = type(self._driver).__module__.partition(".")[0]
        if not hasattr(self._driver, "info"):
            raise FatalError(f"expected a PostgreSQL connection of psycopg2 or psycopg, got one of {maker}")

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with closed_after(self._driver.cursor()) as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def execute(self, sql: str, parameters: tuple[Any, ...] | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        with closed_after(self._driver.cursor()) as cursor:
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)

    def copy(self, sql: str, data: bytes) -> int:
        """Send bytes to `COPY … FROM STDIN`; return how many rows the server took."""
        with closed_after(self._driver.cursor()) as cursor:
            if hasattr(cursor, "copy_expert"):
                cursor.copy_expert(sql, io.BytesIO(data), COPY_BLOCK)
            else:
                with cursor.copy(sql) as copy:
                    copy.write(data)
            return int(cursor.rowcount)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block did, or roll all of it back."""
        try:
            if self._view.state() is TransactionState.IDLE:
                self._view.begin()
            yield
            self._view.commit()
        except BaseException:
            leave_clean(self._view)
            raise

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        return self._view.state() is TransactionState.LOST

    def close(self) -> None:
        """Close the connection."""
        self._view.close()
