"""What a client asks a PostgreSQL server for, kept until it has been answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pytest_resilience.proxy.wire.postgres.copy_rows import RowCounter
from pytest_resilience.proxy.wire.postgres.copy_statement import row_counter
from pytest_resilience.proxy.wire.sql.split import split
from pytest_resilience.proxy.wire.sql.statement import Statement

GLANCED = 1_000
"""Characters of a statement that are kept for the trace."""


class Request:
    """One request message that the server answers.

    Args:
        name: the message's name in the protocol.

    Attributes:
        muted: the client is shown no answer to it.
        substitute: what the client is shown in place of an error that comes behind so many answers (`spared`).
        answers: how many of its statements have been answered.
        begun: the first of its answers has come.
        copying: the server waits, or waited, for rows that it asked for.
        copied: the client has said that there are no more rows.
        glance: the beginning of what is executed.
    """

    muted = False
    substitute: bytes | None = None
    spared = 0
    answers = 0
    begun = False
    copying = False
    copied = False
    glance: str | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def shown_error(self) -> bytes | None:
        """What the client is shown in place of an error that comes now; none: the error itself."""
        return None if self.answers < self.spared else self.substitute

    @property
    def statements(self) -> Sequence[Statement]:
        """The statements that begin to be executed by it."""
        return ()

    def statement(self, _index: int) -> Statement | None:
        """Return the statement that is answered by the answer with this index, from 0."""
        return None


class Query(Request):
    """A simple query: one text with any number of statements.

    Args:
        raw: the text as sent; only its beginning where it is very long.
    """

    name = "Query"

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.glance = raw[:GLANCED].decode("utf-8", errors="replace")

    @cached_property
    def sql(self) -> str:
        """The text; bytes that are no UTF-8 can be written back as they were."""
        return self.raw.decode("utf-8", errors="surrogateescape")

    @cached_property
    def statements(self) -> Sequence[Statement]:
        """The statements that begin to be executed by it."""
        return split(self.sql)

    def statement(self, index: int) -> Statement | None:
        """Return the statement that is answered by the answer with this index, from 0."""
        return self.statements[index] if 0 <= index < len(self.statements) else None


class Execution(Request):
    """An Execute: the first of its portal, or one that fetches more of the same.

    Args:
        statement: what is executed; none where the proxy has not seen it prepared.
        again: it has been begun before.
    """

    name = "Execute"

    def __init__(self, statement: Statement | None, *, again: bool) -> None:
        self._statement = statement
        self._again = again
        if statement is not None:
            self.glance = statement.glance

    @property
    def statements(self) -> Sequence[Statement]:
        """The statements that begin to be executed by it."""
        return () if self._again or self._statement is None else (self._statement,)

    def statement(self, _index: int) -> Statement | None:
        """Return the statement that is answered."""
        return self._statement


class CopyIn:
    """A COPY FROM STDIN under way.

    Args:
        request: what began it.
        binary: the format that the server asks for; none: it has not answered yet.
    """

    def __init__(self, request: Request, *, binary: bool | None = None) -> None:
        self.request = request
        self.statement = request.statement(request.answers)
        self._binary = binary
        self._counted = 0

    @property
    def table(self) -> str | None:
        """Where the rows go."""
        return None if self.statement is None else self.statement.table

    def take(self, data: bytes) -> int:
        """Take rows, and return how many have begun in them; counting begins with the first that are taken."""
        self._rows.feed(data)
        begun = self._rows.begun - self._counted
        self._counted = self._rows.begun
        return begun

    def take_rest(self, data: bytes) -> None:
        """Take the rest of a message that was too long to be looked at whole; its rows count with the next message."""
        self._rows.feed(data)

    @cached_property
    def _rows(self) -> RowCounter:
        return row_counter(self.statement or Statement(""), binary=self._binary)
