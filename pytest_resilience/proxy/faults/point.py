"""A fault point: one message at one moment, as triggers look at it, whatever its protocol is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_resilience.proxy.wire.sql.statement import Statement

PROTOCOLS = frozenset({"postgres", "http", "tcp"})
"""All that a proxy under watch may speak; of `tcp` nothing is known but what comes at once."""


class Side(StrEnum):
    """Which way a message goes."""

    REQUEST = "request"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What a fault may look at in an HTTP request; header names are in lower case, repeated ones are joined."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Point:
    """One message that a fault could be set at.

    Args:
        side: request, or reply.
        label: what receipts call it; it holds no data.
        connection: the connection's number at its proxy.
        age: seconds since the proxy's first connection.
        names: the protocol messages that it is, or that it completes the answer to.
        statements: what begins to be executed by this request, or what this reply answers.
        tags: the command tags of `statements`; for a reply those that its CommandComplete stands for.
        rows: rows of a COPY that begin in this request, or that this reply reports as written.
        table: where those rows go.
        application_name: the session's.
        transaction: the session's status: `I`, `T` or `E`.
        request: the HTTP request, or the one that this reply answers.
    """

    side: Side
    label: str
    connection: int
    age: float = 0.0
    names: Sequence[str] = ()
    statements: Sequence[Statement] = ()
    tags: Sequence[str] = ()
    rows: int = 0
    table: str | None = None
    application_name: str = ""
    transaction: str | None = None
    request: HttpRequest | None = None
