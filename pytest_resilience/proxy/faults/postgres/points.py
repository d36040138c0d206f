"""PostgreSQL's messages as fault points."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_resilience.proxy.faults.point import Point, Side
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.wire.postgres.names import REPLIES, REQUESTS
from pytest_resilience.proxy.wire.postgres.replied import command
from pytest_resilience.proxy.wire.postgres.requests import Request
from pytest_resilience.proxy.wire.postgres.session import PostgresSession
from pytest_resilience.proxy.wire.sql.statement import Statement

_WRITES_ROWS = frozenset({"INSERT", "MERGE"})
_OF_THEIR_OWN = {ord("1"): "Parse", ord("2"): "Bind", ord("3"): "Close", ord("d"): "CopyData"}
_DESCRIBED = frozenset(b"Tn")
_ENDS = frozenset(b"CIsEZV")
_STATEMENT_ANSWERS = frozenset(b"CIsE")
_LONGEST_LABEL = 100
_COMMAND_COMPLETE = ord("C")
_ERROR = ord("E")
_READY = ord("Z")


class PostgresPoints:
    """Make the points of one session.

    Args:
        number: the connection's number.
        watch: of its proxy.
        session: what is known of it.
    """

    def __init__(self, number: int, watch: Watch, session: PostgresSession) -> None:
        self._number = number
        self._watch = watch
        self._session = session

    def request(
        self, kind: int, request: Request | None, *, rows: int = 0, table: str | None = None
    ) -> Point:
        """Return the point of a request.

        Args:
            kind: of the message.
            request: what begins to be executed by it.
            rows: the rows that begin in it.
            table: where they go.
        """
        statements = [] if request is None else [self._session.resolved(s) for s in request.statements]
        return self._make(
            Side.REQUEST,
            (REQUESTS.get(kind, "Startup"),),
            statements,
            [s.tag for s in statements],
            rows,
            table,
        )

    def reply(self, kind: int, request: Request | None, payload: bytes) -> Point:
        """Return the point of a reply.

        Args:
            kind: of the message.
            request: what it answers.
            payload: of a CommandComplete.
        """
        statement = None
        if request is not None and kind in _STATEMENT_ANSWERS:
            statement = self._resolved(request.statement(request.answers - (kind != _ERROR)))
        statements = () if statement is None else (statement,)
        tags: list[str] = []
        rows = 0
        if kind == _COMMAND_COMPLETE:
            tags, rows = _done(payload, statement, copied=request is not None and request.copying)
        table = None if statement is None or not rows else statement.table
        return self._make(Side.REPLY, _completes(kind, request), statements, tags, rows, table, REPLIES[kind])

    def foreseen(self, statement: Statement | None, name: str) -> Point:
        """Return the point of the answer to a statement, if all goes well; how many rows is not known.

        Args:
            statement: what is executed.
            name: the protocol message that will have been answered.
        """
        statement = self._resolved(statement)
        statements = () if statement is None else (statement,)
        table = None if statement is None else statement.table
        return self._make(Side.REPLY, (name,), statements, [s.tag for s in statements], 0, table)

    def _resolved(self, statement: Statement | None) -> Statement | None:
        return None if statement is None else self._session.resolved(statement)

    def _make(  # noqa: PLR0917 - one field of the point each
        self,
        side: Side,
        names: Sequence[str],
        statements: Sequence[Statement],
        tags: Sequence[str],
        rows: int,
        table: str | None,
        label: str = "",
    ) -> Point:
        return Point(
            side=side,
            label="; ".join(tags)[:_LONGEST_LABEL] or label or "".join(names[:1]),
            connection=self._number,
            age=self._watch.age,
            names=names,
            statements=statements,
            tags=tags,
            rows=rows,
            table=table,
            application_name=self._session.application_name,
            transaction=self._session.transaction,
        )


def _done(payload: bytes, statement: Statement | None, *, copied: bool) -> tuple[list[str], int]:
    """Return the tags that a CommandComplete stands for, and the rows that it reports as written."""
    tag, rows = command(payload)
    if tag == "SELECT" and statement is not None and statement.tag != tag:
        return [tag, statement.tag], 0  # CREATE TABLE AS and its kind report what they selected
    from_file = tag == "COPY" and not copied and statement is not None and statement.copies_in
    return [tag], rows if tag in _WRITES_ROWS or from_file else 0


def _completes(kind: int, request: Request | None) -> list[str]:
    """Return the names of the requests whose answer is complete, or begins, with this reply."""
    if kind in _OF_THEIR_OWN:
        return [_OF_THEIR_OWN[kind]]
    if request is None:
        return []
    names = []
    if request.name in {"Query", "Startup"}:
        if not request.begun and kind != _READY:
            names.append(request.name)
    elif kind in _DESCRIBED:
        names.append("Describe")
    elif kind in _ENDS:
        names.append(request.name)
    if kind == _COMMAND_COMPLETE and request.copying:
        names.append("CopyDone")
    return names
