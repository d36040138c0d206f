"""Which requests on the wire are attempts of one operation: the same request again after one that failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_resilience.chaos.run.record import Message

_FAILED_REPLY = re.compile(r"ErrorResponse|^(?:HTTP/[\d.]+ )?[45]\d\d\b")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, from 1."""

    at: float
    service: str
    message: str
    number: int


def attempts(messages: Sequence[Message]) -> Iterator[Attempt]:
    """Return the attempts of every operation that needed more than one."""
    by_service: dict[str, list[Message]] = {}
    for message in messages:
        by_service.setdefault(message.service, []).append(message)
    for service, theirs in by_service.items():
        for run in _repeated(theirs):
            for number, message in enumerate(run, start=1):
                yield Attempt(message.at, service, message.message, number)


def _repeated(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Return the requests of each operation that was tried again."""
    open_ones: dict[tuple[str, str | None], list[Message]] = {}
    asked: dict[int, tuple[str, str | None]] = {}
    for message in messages:
        if message.side == "request":
            key = (message.message, message.shape)
            asked[message.connection] = key
            open_ones.setdefault(key, []).append(message)
        elif message.side == "reply" and _succeeded(message):
            done = open_ones.pop(asked.get(message.connection, ("", None)), [])
            if len(done) > 1:
                yield done
    for left in open_ones.values():
        if len(left) > 1:
            yield left


def _succeeded(reply: Message) -> bool:
    return reply.fault is None and not _FAILED_REPLY.search(reply.message)
