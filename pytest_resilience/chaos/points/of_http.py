"""HTTP messages as fault points: each request before the server has it, and its reply."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.run.record import Message
from pytest_resilience.chaos.trigger import Side

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
READS = re.compile(
    r"/(?:\w*[_-])?(?:search|query|list|get|find|lookup|count|validate|graphql)(?:[_-]\w*)?$", re.IGNORECASE
)
"""Paths of what is only asked for, whatever the method."""


def http_points(service: str, messages: Sequence[Message]) -> Iterator[FaultPoint]:
    """Yield the points of one service's messages, in order."""
    sides = [message for message in messages if message.side != "-" and message.shape is not None]
    templates = {request_template(message) for message in sides if message.side == "request"}
    seen: Counter[tuple[Side, str]] = Counter()
    asked: dict[int, list[str]] = {}
    for message in sides:
        waiting = asked.setdefault(message.connection, [])
        if message.side == "request":
            waiting.append(request_template(message))
            yield _point(service, "request", waiting[-1], templates, seen)
        elif waiting:
            yield _point(service, "reply", waiting.pop(0), templates, seen)


def http_request(message: Message) -> str | None:
    """Return `POST /items` of a request's message, or none where it is no HTTP request."""
    method, _, path = message.message.partition(" ")
    return f"{method} {message.shape or path}".strip() if method in _METHODS else None


def changes(request: str) -> bool:
    """Tell whether a request, as in `POST /items`, asks for a change."""
    method, _, path = request.partition(" ")
    return method in _CHANGING and not READS.search(path)


def request_template(message: Message) -> str:
    """Return a request as a trigger names it: its method and its path, `{x}` for each identifier."""
    method = message.message.partition(" ")[0]
    path = re.sub(r"\{\}", "{x}", message.shape or "/")
    return f"{method} {path}"


def _point(
    service: str, side: Side, template: str, templates: Iterable[str], seen: Counter[tuple[Side, str]]
) -> FaultPoint:
    """Count a request for every template that stands for it, as the engine does, and return its point."""
    for other in templates:
        if _stands_for(other, template):
            seen[side, other] += 1
    return FaultPoint(service=service, protocol="http", side=side, message=template, nth=seen[side, template])


def _stands_for(general: str, special: str) -> bool:
    one, other = re.split("[ /]", general), re.split("[ /]", special)
    return len(one) == len(other) and all(a in (b, "{x}") for a, b in zip(one, other, strict=True))
