"""PostgreSQL's messages as fault points: statements and what a COPY sends, not the small talk of the protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.run.record import Message
from pytest_resilience.chaos.trigger import Side
from pytest_resilience.proxy.wire.sql.split import split

_EXECUTED_BY = ("Query", "Execute")
_MORE_WORDS = ("CREATE", "ALTER", "DROP", "TRUNCATE", "LOCK", "DECLARE", "CLOSE", "DISCARD", "REFRESH")
"""Commands of which a trigger `CREATE TABLE` also means `CREATE TABLE AS`, as the engine counts them."""


def postgres_points(service: str, messages: Sequence[Message]) -> Iterator[FaultPoint]:
    """Yield the points of one service's messages, in order.

    A COPY's data has two, its first message and its last: until CopyDone every one in between is as good.
    """
    numbers = _Numbers()
    open_statements: dict[int, list[str]] = {}
    for message in messages:
        if message.side == "request":
            yield from _of_request(service, message, numbers, open_statements)
        elif message.side == "reply":
            yield from _of_reply(service, message, numbers, open_statements)


class _Numbers:
    """How often each message came by on each side, as the engine counts."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[Side, str]] = Counter()

    def next(self, side: Side, message: str, *, count: int = 1) -> int:
        """Count so many messages and return the number of the last."""
        self._seen[side, message] += count
        words = message.split()
        if words[0] in _MORE_WORDS:
            for length in range(1, len(words)):
                self._seen[side, " ".join(words[:length])] += count
        return self._seen[side, message]


def _of_request(
    service: str, message: Message, numbers: _Numbers, open_statements: dict[int, list[str]]
) -> Iterator[FaultPoint]:
    def point(name: str, nth: int, shape: str | None = None) -> FaultPoint:
        return FaultPoint(
            service=service,
            protocol="postgres",
            side="request",
            message=name,
            nth=nth,
            shape=shape,
            transaction=message.transaction,
        )

    if message.message in {"Startup", "CopyDone"}:
        yield point(message.message, numbers.next("request", message.message))
    elif message.message == "CopyData":
        first = numbers.next("request", "CopyData")
        yield point("CopyData", first)
        if message.count > 1:
            yield point("CopyData", numbers.next("request", "CopyData", count=message.count - 1))
    elif message.message in _EXECUTED_BY and message.shape is not None:
        statements = split(message.shape)
        open_statements.setdefault(message.connection, []).extend(message.shape for _ in statements)
        for statement in statements:
            if statement.tag:
                yield point(statement.tag, numbers.next("request", statement.tag), message.shape)


def _of_reply(
    service: str, message: Message, numbers: _Numbers, open_statements: dict[int, list[str]]
) -> Iterator[FaultPoint]:
    waiting = open_statements.setdefault(message.connection, [])
    if message.message == "ReadyForQuery":
        waiting.clear()
    if message.message != "CommandComplete" or message.shape is None:
        return
    yield FaultPoint(
        service=service,
        protocol="postgres",
        side="reply",
        message=message.shape,
        nth=numbers.next("reply", message.shape),
        shape=waiting.pop(0) if waiting else None,
        transaction=message.transaction,
    )
