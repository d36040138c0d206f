"""When a fault strikes: each trigger counts how often a message is what it waits for.

A message counts more than once where it holds several statements that match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from pytest_resilience.proxy.faults.path_template import PathTemplate
from pytest_resilience.proxy.faults.point import Point, Side
from pytest_resilience.proxy.wire.postgres_names import TRIGGERS as PROTOCOL_MESSAGES

_PREFIXES = frozenset(
    {"CREATE", "ALTER", "DROP", "TRUNCATE", "LOCK", "DECLARE", "CLOSE", "DISCARD", "REFRESH"}
)
"""Commands whose tag has more words, which need not be given."""


class Trigger(Protocol):
    """What a fault waits for."""

    name: ClassVar[str]
    sided: ClassVar[bool]
    """Whether it is set at one side, at requests or at replies; else it watches both."""
    protocols: ClassVar[frozenset[str]]

    @property
    def only_statements(self) -> bool:
        """Whether no PostgreSQL message matters to it but those that execute statements or answer them."""

    @property
    def sees_rows(self) -> bool:
        """Whether it has to see each CopyData message by itself."""

    def count(self, point: Point) -> int:
        """Return how many matches this message is; called once for each message."""

    def foresee(self, point: Point) -> int:
        """Return the same for a reply that has not come yet, and remember nothing."""

    def label(self, point: Point) -> str:
        """Return what the receipt calls the message."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""


@dataclass(slots=True)
class _Plain:
    """What most triggers have in common."""

    @property
    def only_statements(self) -> bool:
        """Whether no PostgreSQL message matters to it but those that execute statements or answer them."""
        return False

    @property
    def sees_rows(self) -> bool:
        """Whether it has to see each CopyData message by itself."""
        return False

    def foresee(self, point: Point) -> int:
        """Return how many matches such a message will be."""
        return self.count(point)

    def label(self, point: Point) -> str:
        """Return what the receipt calls the message."""
        return point.label

    def count(self, point: Point) -> int:
        """Return how many matches this message is."""
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        raise NotImplementedError


@dataclass(slots=True)
class Start(_Plain):
    """Strike at any message, in either direction."""

    name: ClassVar[str] = "start"
    sided: ClassVar[bool] = False
    protocols: ClassVar[frozenset[str]] = frozenset({"postgres", "http"})

    def count(self, point: Point) -> int:  # noqa: ARG002 - every message will do
        """Count every message."""
        return 1

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"start": True}


@dataclass(slots=True)
class After(_Plain):
    """Strike at any message from so long after the proxy's first connection.

    Args:
        seconds: how long.
    """

    seconds: float
    name: ClassVar[str] = "after"
    sided: ClassVar[bool] = False
    protocols: ClassVar[frozenset[str]] = frozenset({"postgres", "http"})

    def count(self, point: Point) -> int:
        """Count the messages from then on."""
        return int(point.age >= self.seconds)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"after": self.seconds}


@dataclass(slots=True)
class Message(_Plain):
    """Strike at a command tag, or at a message of the protocol.

    Args:
        message: `COMMIT`, `INSERT`, …, or `Startup`, `Query`, `Sync`, …
    """

    message: str
    name: ClassVar[str] = "message"
    sided: ClassVar[bool] = True
    protocols: ClassVar[frozenset[str]] = frozenset({"postgres"})

    @property
    def is_tag(self) -> bool:
        """Whether it is a command tag."""
        return self.message not in PROTOCOL_MESSAGES

    @property
    def only_statements(self) -> bool:
        """Whether it waits for a tag."""
        return self.is_tag

    @property
    def sees_rows(self) -> bool:
        """Whether it waits for CopyData."""
        return self.message == "CopyData"

    def count(self, point: Point) -> int:
        """Count the statements with this tag, or the message itself."""
        if not self.is_tag:
            return int(self.message in point.names)
        return sum(self._is_it(tag) for tag in point.tags)

    def label(self, point: Point) -> str:  # noqa: ARG002 - its own name says it best
        """Return what the fault was set at."""
        return self.message

    def _is_it(self, tag: str) -> bool:
        return tag == self.message or (
            self.message.partition(" ")[0] in _PREFIXES and tag.startswith(self.message + " ")
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"message": self.message}


@dataclass(slots=True)
class Sql(_Plain):
    """Strike at a statement in which a regular expression is found.

    Args:
        pattern: the expression, compiled.
    """

    pattern: re.Pattern[str]
    name: ClassVar[str] = "sql"
    sided: ClassVar[bool] = True
    protocols: ClassVar[frozenset[str]] = frozenset({"postgres"})

    @property
    def only_statements(self) -> bool:
        """Nothing else matters."""
        return True

    def count(self, point: Point) -> int:
        """Count the statements that match."""
        return sum(self.pattern.search(statement.sql) is not None for statement in point.statements)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"sql": self.pattern.pattern}


@dataclass(slots=True)
class Request(_Plain):
    """Strike at an HTTP request.

    Args:
        template: its method and path.
    """

    template: PathTemplate
    name: ClassVar[str] = "request"
    sided: ClassVar[bool] = True
    protocols: ClassVar[frozenset[str]] = frozenset({"http"})

    def count(self, point: Point) -> int:
        """Count the request itself."""
        request = point.request
        return int(request is not None and self.template.matches(request.method, request.path))

    def label(self, point: Point) -> str:
        """Return the template, with the method that was used."""
        return self.template.text if point.request is None else self.template.named(point.request.method)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"request": self.template.text}


@dataclass(slots=True)
class Rows(_Plain):
    """Strike before the row that is one too many, where rows are seen to pass, else at the reply that reports enough.

    Args:
        rows: how many rows are let through.
        table: only those of this table; without a schema of any.
    """

    rows: int
    table: str | None = None
    name: ClassVar[str] = "rows"
    sided: ClassVar[bool] = False
    protocols: ClassVar[frozenset[str]] = frozenset({"postgres"})
    total: int = field(default=0, init=False)

    @property
    def sees_rows(self) -> bool:
        """It counts them."""
        return True

    def count(self, point: Point) -> int:
        """Count the message that would carry too many rows, or the reply that reports enough."""
        if not point.rows or not self._is_mine(point.table):
            return 0
        self.total += point.rows
        enough = self.total > self.rows if point.side is Side.REQUEST else self.total >= self.rows
        return int(enough)

    def foresee(self, point: Point) -> int:
        """Foresee nothing: only the server knows how many rows a statement writes."""
        return int(
            self._is_mine(point.table) and any(tag in {"INSERT", "MERGE", "COPY"} for tag in point.tags)
        )

    def _is_mine(self, table: str | None) -> bool:
        if self.table is None:
            return True
        if table is None:
            return False
        mine, theirs = self.table.split("."), table.split(".")
        length = min(len(mine), len(theirs))
        return mine[-length:] == theirs[-length:]

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"rows": self.rows, "table": self.table}


TRIGGERS: tuple[type[Trigger], ...] = (Start, After, Rows, Message, Sql, Request)
