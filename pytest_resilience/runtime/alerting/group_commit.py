"""Commit the writes of many threads in one transaction: whoever comes first commits for all that wait."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class _Ticket(Generic[T]):
    __slots__ = ("done", "error", "result", "work")

    def __init__(self, work: Work[T]) -> None:
        self.work = work
        self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None


class GroupCommit:
    """Run pieces of work on one connection, each durable when `run` returns.

    Args:
        connection: in autocommit mode (`isolation_level=None`), usable from any thread.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._waiting: list[_Ticket[Any]] = []
        self._queue = threading.Lock()
        self._writer = threading.Lock()

    def run(self, work: Work[T]) -> T:
        """Do the work inside a transaction and return its result once that is committed.

        Raises:
            sqlite3.Error: if it could not be done; then nothing of it is stored.
        """
        ticket = _Ticket(work)
        with self._queue:
            self._waiting.append(ticket)
        with self._writer:
            if not ticket.done:
                self._lead()
        if ticket.error is not None:
            raise ticket.error
        return cast("T", ticket.result)

    def read(self, work: Work[T]) -> T:
        """Do the work outside of a transaction of our own; it must not write."""
        with self._writer:
            return work(self.connection)

    def _lead(self) -> None:
        with self._queue:
            batch, self._waiting = self._waiting, []
        try:
            self._commit(batch)
        except sqlite3.Error:
            for ticket in batch:  # one of them is bad, or the disk is: alone each gets its own answer
                self._commit_alone(ticket)
        finally:
            for ticket in batch:
                ticket.done = True

    def _commit_alone(self, ticket: _Ticket[Any]) -> None:
        try:
            self._commit([ticket])
        except sqlite3.Error as error:
            ticket.error = error

    def _commit(self, batch: list[_Ticket[Any]]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            for ticket in batch:
                ticket.result = ticket.work(self.connection)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
