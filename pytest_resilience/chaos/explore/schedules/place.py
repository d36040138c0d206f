"""A place where a fault of a schedule may go: a message of the clean run, or one that only a fault brings about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_resilience.chaos.points.point import FaultPoint, Protocol
from pytest_resilience.chaos.scenario.model import When
from pytest_resilience.chaos.trigger import Side

SIDES: tuple[Side, ...] = ("request", "reply")

RECONNECTS = 3
"""Connections beyond those of the clean run that faults wait for."""
STATEMENTS = 4
"""Statements of a new connection at which faults may go."""
REPEATS = 5
"""Messages of a kind beyond those of the clean run that faults wait for."""
ANY_STATEMENT = "."
"""An expression that is found in every statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A trigger on one service.

    Args:
        service: whose traffic.
        protocol: what it speaks.
        when: the trigger.
    """

    service: str
    protocol: Protocol
    when: When

    @property
    def words(self) -> str:
        """Where it is, for people."""
        when = self.when
        side = {"request": "before", "reply": "after"}[when.side]
        connection = "" if when.connection is None else f" of connection {when.connection}"
        what = when.message or when.request or "statement"
        return f"{side} {what} number {when.nth}{connection} on {self.service}"


def recorded(points: Sequence[FaultPoint]) -> Iterator[Place]:
    """Yield the places of the clean run, in its order."""
    for point in points:
        yield Place(service=point.service, protocol=point.protocol, when=point.when)


def commits(points: Sequence[FaultPoint]) -> Iterator[Place]:
    """Yield those of them where a transaction ends."""
    yield from recorded([point for point in points if point.is_commit])


def reconnects(points: Sequence[FaultPoint]) -> Iterator[Place]:
    """Yield the beginnings of connections after the first, the next that a fault brings about more than once.

    A new connection is where code asks what has become of its last transaction.
    """
    for service, protocol in _services(points):
        if protocol != "postgres":
            continue
        made = sum(point.service == service and point.message == "Startup" for point in points)
        for number in range(2, min(made, RECONNECTS) + 1):
            yield from _beginning(service, number)
        for more in range(RECONNECTS):
            for _ in range(RECONNECTS - more):  # the more faults have to come before it, the more seldom
                yield from _beginning(service, max(made, 1) + more + 1)


def _beginning(service: str, connection: int) -> Iterator[Place]:
    places = [(nth, side) for nth in range(1, STATEMENTS + 1) for side in SIDES]
    whens = [When(sql=ANY_STATEMENT, side=side, nth=nth, connection=connection) for nth, side in places]
    for when in (When(message="Startup", nth=connection), *whens):
        yield Place(service=service, protocol="postgres", when=when)


def repeats(points: Sequence[FaultPoint]) -> Iterator[Place]:
    """Yield messages that come only if something is done again: a retry, or what a second start replays."""
    counts: Counter[tuple[str, str, str]] = Counter()
    last: dict[tuple[str, str, str], FaultPoint] = {}
    for point in points:
        key = (point.service, point.side, point.message)
        counts[key] += 1
        last[key] = point
    for name, point in last.items():
        for more in range(1, min(counts[name], REPEATS) + 1):
            yield from recorded([_moved(point, more)])


def _moved(point: FaultPoint, by: int) -> FaultPoint:
    return FaultPoint(
        service=point.service,
        protocol=point.protocol,
        side=point.side,
        message=point.message,
        nth=point.nth + by,
    )


def _services(points: Sequence[FaultPoint]) -> tuple[tuple[str, Protocol], ...]:
    return tuple(dict.fromkeys((point.service, point.protocol) for point in points))
