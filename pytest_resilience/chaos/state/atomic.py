"""Statements that are true at every moment, whoever looks: looked at while a workload runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from pytest_resilience.chaos.state.side import first_line, side_connection
from pytest_resilience.errors import HarnessError

EVERY = 0.005
"""Seconds from one look to the next."""
NOT_THERE_YET = {"42P01", "3F000", "42703", "42883"}
"""SQLSTATEs of a statement whose tables, schema, columns or functions are still to be made."""


@dataclass(slots=True)
class Watched:
    """One statement, and what was seen of it.

    Args:
        sql: the statement.
        looks: how often it had an answer.
        broken_at: when it was not true, seconds since the run began: the first look of each stretch.
        error: why it last had no answer.
    """

    sql: str
    looks: int = 0
    broken_at: list[float] = field(default_factory=list)
    error: str | None = None
    _is_broken: bool = False

    def saw(self, value: Any, at: float) -> None:
        """Take an answer; null says nothing, as in a CHECK constraint."""
        self.error = None
        if value is None:
            return
        self.looks += 1
        broken = value is not True
        if broken and not self._is_broken:
            self.broken_at.append(at)
        self._is_broken = broken

    @property
    def words(self) -> tuple[str, ...]:
        """What is wrong; nothing where it held at every look."""
        if self.broken_at:
            more = f", and {len(self.broken_at) - 1} times more" if len(self.broken_at) > 1 else ""
            return (f"not true at {self.broken_at[0]:.3f} s{more}: {self.sql}",)
        if not self.looks:
            why = self.error or "its answer was always null"
            return (f"never seen true, {why}: {self.sql}",)
        return ()


class AtomicWatch:
    """Look at statements from the side while a `with` block runs; `words` says what was wrong.

    Args:
        dsn: the address around the proxy.
        statements: each has one cell, true or false.
        now: seconds since the run began.
        every: seconds from one look to the next.
    """

    def __init__(
        self, dsn: str, statements: Sequence[str], *, now: Callable[[], float], every: float = EVERY
    ) -> None:
        if not every > 0:
            raise ValueError(f"every is {every!r}: it is the seconds between two looks, more than 0")
        self.watched = tuple(Watched(sql) for sql in statements)
        self._dsn = dsn
        self._now = now
        self._every = every
        self._asked = threading.Condition()
        self._wanted = 0
        self._done = 0
        self._ending = False
        self._failure: HarnessError | None = None
        self._thread = threading.Thread(target=self._run, name="atomic-watch", daemon=True)

    @property
    def words(self) -> tuple[str, ...]:
        """What is wrong with each statement; nothing where all held.

        Raises:
            HarnessError: the database could not be looked at, or a statement is wrong.
        """
        if self._failure is not None:
            raise self._failure
        return tuple(word for watched in self.watched for word in watched.words)

    def look(self) -> None:
        """Look now, and return when it is done: right after a receipt, or at the end.

        Raises:
            HarnessError: the database cannot be looked at.
        """
        with self._asked:
            self._wanted += 1
            mine = self._wanted
            self._asked.notify_all()
            self._asked.wait_for(lambda: self._done >= mine or self._ending or self._failure is not None)
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._asked:
            self._ending = True
            self._asked.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            with side_connection(self._dsn) as connection, connection.cursor() as cursor:
                ending = False
                while not ending:
                    ending = self._ending  # the last look is after the end
                    self._look(cursor)
        except HarnessError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - raised again for whoever asks
            self._failure = HarnessError(f"The atomic statements cannot be looked at: {first_line(error)}")
        with self._asked:
            self._asked.notify_all()

    def _look(self, cursor: Any) -> None:
        wanted = self._wanted
        for watched in self.watched:
            evaluate(cursor, watched, self._now())
        with self._asked:
            self._done = max(self._done, wanted)
            self._asked.notify_all()
            self._asked.wait_for(lambda: self._ending or self._wanted > wanted, timeout=self._every)


def evaluate(cursor: Any, watched: Watched, at: float) -> None:
    """Ask one statement once.

    Raises:
        HarnessError: it is no statement with one cell.
    """
    import psycopg2

    try:
        cursor.execute(watched.sql)
        rows = cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        if cursor.connection.closed:
            raise
        watched.error = first_line(error)
        if error.pgcode not in NOT_THERE_YET and (error.pgcode or "").startswith("42"):
            raise HarnessError(f"An atomic statement is wrong: {watched.error}: {watched.sql}") from error
        return
    if len(rows) != 1 or len(rows[0]) != 1:
        raise HarnessError(f"An atomic statement has one cell, this has {len(rows)} rows: {watched.sql}")
    watched.saw(rows[0][0], at)


def check_atomic(dsn: str, statements: Sequence[str], *, at: float = 0.0) -> tuple[str, ...]:
    """Look once; return what is not true, in words.

    Raises:
        HarnessError: the database cannot be looked at, or a statement is wrong.
    """
    watched = [Watched(sql) for sql in statements]
    with side_connection(dsn) as connection, connection.cursor() as cursor:
        for each in watched:
            evaluate(cursor, each, at)
    return tuple(word for each in watched for word in each.words)
