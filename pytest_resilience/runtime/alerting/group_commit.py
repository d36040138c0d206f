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

    __slots__ = ("committed", "done", "error", "gate", "leads", "result", "thread", "work")

    def __init__(self, work: Work[T]) -> None:
        self.work = work
        self.leads = self.done = self.committed = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self.thread = threading.get_ident()
        self.gate = threading.Lock()
        self.gate.acquire()


class GroupCommit:
    """Run pieces of work on one connection, each durable when `run` returns.

    Args:
        connect: opens a connection in autocommit mode (`isolation_level=None`) that any thread may use. It is called
            at once, and again after a `pause`.

    Raises:
        OSError, sqlite3.Error: if the first connection cannot be opened.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = connect()
        self._waiting: list[_Ticket[Any]] = []
        self._leader: int | None = None
        self._queue = threading.RLock()
        self._using = threading.Lock()

    def run(self, work: Work[T]) -> T:
        """Do the work inside a transaction and return its result once that is committed.

        Raises:
            sqlite3.Error: if it could not be done; then nothing of it is stored.
        """
        if (
            self._leader == threading.get_ident()
        ):  # a signal handler, in the middle of this thread's own commit
            raise sqlite3.OperationalError("the outbox is in use by this very thread")
        ticket = _Ticket(work)
        try:
            if not self._lead_or_queue(ticket):
                ticket.gate.acquire()
            if ticket.leads:
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
            return work(self._open())

    def close(self) -> None:
        """Let go of the file; using it again opens it again."""
        with self._using:
            self._close()

    def pause(self) -> None:
        """Wait for the running commit, let go of the file, and let no other begin until `resume`."""
        self._using.acquire()
        self._close()

    def resume(self) -> None:
        """Go on after a `pause`."""
        self._using.release()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _lead_or_queue(self, ticket: _Ticket[Any]) -> bool:
        with self._queue:
            self._waiting.append(ticket)
            ticket.leads = self._leader is None
            if ticket.leads:
                self._leader = ticket.thread
            return ticket.leads

    def _abandon(self, ticket: _Ticket[Any]) -> None:
        with self._queue:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                if ticket.leads:
                    self._pass_on()

    def _pass_on(self) -> None:
        heir = self._waiting[0] if self._waiting else None
        self._leader = None if heir is None else heir.thread
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
            if batch:
                self._commit(batch)
        except Exception as error:  # noqa: BLE001 - it belongs to the thread whose work it is
            if len(batch) == 1:
                batch[0].error = error
            else:  # one of them is bad, or the disk is: alone each gets its own answer
                for ticket in batch:
                    self._commit_batch([ticket])

    def _commit(self, batch: list[_Ticket[Any]]) -> None:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for ticket in batch:
                ticket.result = ticket.work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        for ticket in batch:
            ticket.committed = True
