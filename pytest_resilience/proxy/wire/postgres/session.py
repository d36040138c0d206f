"""One PostgreSQL session as seen on the wire: what has been asked for, and not been answered yet.

It follows, and never decides: the proxy tells it each message of either side, in order. Source: PostgreSQL
documentation, chapter 54.2 (message flow).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeVar

from pytest_resilience.proxy.wire.postgres.requests import CopyIn, Request
from pytest_resilience.proxy.wire.sql.statement import Statement

_MOST_NAMES = 10_000
"""Prepared statements remembered for one session; the oldest is forgotten first."""

Name = TypeVar("Name", bytes, str)


class PostgresSession:
    """What is known of one session.

    Attributes:
        pending: the requests that are not answered, the oldest first: what is executed, and what ends a cycle.
        statements: the prepared statements by their names.
        prepared: the statements prepared in SQL by their names.
        portals: the bound statements by their names, and whether they have begun to be executed.
        transaction: the status that the server reported last: I idle, T in a transaction, E in a failed one.
        application_name: as given at the start, or as the server reported it since.
        copy_in: the COPY whose rows the server waits for.
        skipping: the server throws away what comes before the next Sync.
        executions: Executes since the last Sync.
    """

    __slots__ = (
        "application_name",
        "copy_in",
        "executions",
        "pending",
        "portals",
        "prepared",
        "skipping",
        "statements",
        "transaction",
    )

    def __init__(self) -> None:
        self.pending: deque[Request] = deque()
        self.statements: dict[bytes, Statement] = {}
        self.prepared: dict[str, Statement] = {}
        self.portals: dict[bytes, tuple[Statement | None, bool]] = {}
        self.transaction = "I"
        self.application_name = ""
        self.copy_in: CopyIn | None = None
        self.skipping = False
        self.executions = 0

    @property
    def head(self) -> Request | None:
        """The oldest request that is not answered."""
        return self.pending[0] if self.pending else None

    def retract(self, request: Request) -> None:
        """Forget the newest request of this kind: the server never gets it."""
        for index in range(len(self.pending) - 1, -1, -1):
            if self.pending[index] is request:
                del self.pending[index]
                return

    def remember(self, name: bytes, statement: Statement) -> None:
        """Note a statement that was prepared in the protocol."""
        _note(self.statements, name, statement)

    def remember_prepared(self, statements: Iterable[Statement]) -> None:
        """Note what is prepared in SQL."""
        for statement in statements:
            if statement.prepares is not None:
                _note(self.prepared, *statement.prepares)

    def resolved(self, statement: Statement) -> Statement:
        """Return what is executed: of an EXECUTE what it names, if that is known."""
        name = statement.executes
        return statement if name is None else self.prepared.get(name, statement)


def _note(known: dict[Name, Statement], name: Name, statement: Statement) -> None:
    if len(known) >= _MOST_NAMES:
        del known[next(iter(known))]
    known[name] = statement


def field(buffer: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return a text ended by a zero byte, and where the next field begins."""
    found = buffer.find(b"\x00", start, end)
    return (buffer[start:end], end) if found < 0 else (buffer[start:found], found + 1)
