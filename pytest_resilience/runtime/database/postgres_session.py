"""A PostgreSQL connection as bulk loading needs it, over psycopg2 or psycopg 3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.database.connection import (
    ClosedAfter,
    TransactionState,
    driver_connection,
    leave_clean,
    speaks_libpq,
)
from pytest_resilience.runtime.database.views import view_of

COPY_BLOCK = 1 << 16


class PostgresSession:
    """One connection, used by one thread.

    Args:
        connection: of psycopg2, psycopg 3, or SQLAlchemy over one of them.

    Raises:
        FatalError: it is another kind of connection.
    """

    def __init__(self, connection: Any) -> None:
        view_of(connection)
        self.driver = driver_connection(connection)
        if not speaks_libpq(self.driver):
            raise FatalError(
                "expected a connection of psycopg2 or psycopg to PostgreSQL, got a "
                f"{type(self.driver).__module__}.{type(self.driver).__qualname__}; pass one, or the "
                "database's address as dsn="
            )
        self._view = view_of(self.driver)
        self._undo: list[Callable[[], None]] | None = None  # inside a transaction of ours

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block did, or roll all of it back; inside another one, be part of that."""
        if self._undo is not None or self._view.state() is not TransactionState.IDLE:
            yield
            return
        self._undo = []
        try:
            self._view.begin()
            yield
            self._view.commit()
        except BaseException:
            leave_clean(self._view)
            for undo in reversed(self._undo):
                undo()
            raise
        finally:
            self._undo = None

    def on_rollback(self, undo: Callable[[], None]) -> None:
        """Call this if the transaction of ours that is open is rolled back."""
        if self._undo is not None:
            self._undo.append(undo)

    def cursor(self) -> ClosedAfter:
        """Open a cursor."""
        return ClosedAfter(self.driver.cursor())

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows as tuples, whatever rows the connection's owner likes."""
        with self.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return [tuple(row.values() if isinstance(row, Mapping) else row) for row in cursor.fetchall()]

    def execute(self, sql: str, parameters: tuple[Any, ...] | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        with self.cursor() as cursor:
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)

    def execute_alone(self, sql: str, parameters: tuple[Any, ...]) -> int:
        """Run a statement as a transaction of its own, which saves two of its three round trips.

        Inside an open transaction it is part of that, and on an autocommit connection nothing is saved.
        """
        if (
            self._undo is not None
            or self.driver.autocommit
            or self._view.state() is not TransactionState.IDLE
        ):
            return self.execute(sql, parameters)
        self.driver.autocommit = True
        try:
            return self.execute(sql, parameters)
        except BaseException:
            leave_clean(self._view)
            raise
        finally:
            if not self.is_lost:
                self.driver.autocommit = False

    def copy(self, sql: str, blocks: Iterable[bytes]) -> int:
        """Send bytes to `COPY … FROM STDIN`; return how many rows the server took."""
        pieces = _pieces(blocks)
        with self.cursor() as cursor:
            if hasattr(cursor, "copy_expert"):
                cursor.copy_expert(sql, _File(pieces), COPY_BLOCK)
            else:
                with cursor.copy(sql) as copy:
                    for piece in pieces:
                        copy.write(piece)
            return int(cursor.rowcount)

    def end_open_transaction(self) -> None:
        """Commit what the connection's owner has left open.

        Raises:
            FatalError: it was aborted, so that something of the owner's is lost already.
        """
        state = self._view.state()
        if state is TransactionState.ABORTED:
            raise FatalError(
                "the connection is inside an aborted transaction: roll it back, see which statement "
                "failed in it, and start again"
            )
        if state is TransactionState.OPEN:
            self._view.commit()

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        return self._view.state() is TransactionState.LOST


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes in pieces of at most `COPY_BLOCK`; a block that is no longer is not copied."""
    for block in blocks:
        for start in range(0, len(block), COPY_BLOCK):
            yield block[start : start + COPY_BLOCK]


class _File:
    """Pieces as psycopg2 reads them, `COPY_BLOCK` bytes at most at once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int) -> bytes:
        """Return the next piece; nothing at the end."""
        return next(self._pieces, b"")
