"""Commit the writes of many threads in one transaction: whoever finds nobody at it commits for all that wait."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class _Ticket(Generic[T]):
    """One thread's work, and the gate at which it waits until that is done or it is its turn to lead."""

    __slots__ = ("committed", "done", "error", "gate", "leads", "result", "work")

    def __init__(self, work: Work[T]) -> None:
        self.work = work
        self.leads = self.done = self.committed = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self.gate = threading.Lock()
        self.gate.acquire()


class GroupCommit:
    """Run pieces of work on one connection, each durable when `run` returns.

    Args:
        connection: in autocommit mode (`isolation_level=None`), usable from any thread.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._waiting: list[_Ticket[Any]] = []
        self._led = False
        self._queue = threading.Lock()
        self._using = threading.Lock()

    def run(self, work: Work[T]) -> T:
        """Do the work inside a transaction and return its result once that is committed.

        Raises:
            sqlite3.Error: if it could not be done; then nothing of it is stored.
        """
        ticket = _Ticket(work)
        try:
            if not self._lead_or_queue(ticket):
                ticket.gate.acquire()
            if not ticket.done:
                self._lead()
        except BaseException:  # Ctrl-C while waiting: the others must not wait for this thread
            self._abandon(ticket)
            raise
        if not ticket.committed:
            raise ticket.error or sqlite3.OperationalError("the commit was interrupted")
        return cast("T", ticket.result)

    def read(self, work: Work[T]) -> T:
        """Do the work outside of a transaction of our own; it must not write."""
        with self._using:
            return work(self.connection)

    def _lead_or_queue(self, ticket: _Ticket[Any]) -> bool:
        with self._queue:
            self._waiting.append(ticket)
            ticket.leads = not self._led
            self._led = True
            return ticket.leads

    def _abandon(self, ticket: _Ticket[Any]) -> None:
        with self._queue:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                if ticket.leads:
                    self._pass_on()

    def _pass_on(self) -> None:
        heir = self._waiting[0] if self._waiting else None
        self._led = heir is not None
        if heir is not None:
            heir.leads = True
            heir.gate.release()

    def _lead(self) -> None:
        batch: list[_Ticket[Any]] = []
        try:
            with self._queue:
                batch, self._waiting = self._waiting, []
            with self._using:
                self._commit_batch(batch)
        finally:
            for ticket in batch:
                ticket.done = True
                ticket.gate.release()
            with self._queue:
                self._pass_on()

    def _commit_batch(self, batch: list[_Ticket[Any]]) -> None:
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001 - it belongs to the thread whose work it is
            if len(batch) == 1:
                batch[0].error = error
            else:  # one of them is bad, or the disk is: alone each gets its own answer
                for ticket in batch:
                    self._commit_batch([ticket])

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
        for ticket in batch:
            ticket.committed = True
