"""A probe: one fault at one fault point of a workload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_resilience.chaos.points.point import FaultPoint, Protocol
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.chaos.trigger import Side

SERIALIZATION_FAILURE = "40001"
CANNOT_CONNECT_NOW = "57P03"
"""PostgreSQL documentation, appendix A."""
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One fault at one point.

    Args:
        point: where.
        name: what happens there: `cut`, `reset`, `error`, `hang`, `kill`, or `lost-reply`.
        order: the fault.
    """

    point: FaultPoint
    name: str
    order: FaultOrder

    @property
    def id(self) -> str:
        """A short text that is unique for its workload and service."""
        return f"{self.point.id}-{self.name}"

    @property
    def title(self) -> str:
        """A sentence for people."""
        where = {"request": "before", "reply": "after"}[self.point.side]
        return (
            f"{DONE[self.name]} {where} {self.point.message} number {self.point.nth} on {self.point.service}"
        )

    @property
    def class_of(self) -> tuple[str, ...]:
        """What probes that differ only in the number of their message have in common.

        A hang lasts as long as the workload's own time-out, so its class is wider: whether a transaction was open.
        """
        point = self.point
        if self.name == "hang":
            return (self.name, point.service, point.side, point.transaction or "")
        return (self.name, *point.kind_of_place)


DONE = {
    "cut": "Connection closed",
    "reset": "Connection reset",
    "error": "Error answered",
    "hang": "Silence",
    "kill": "Workload killed",
    "lost-reply": "Reply lost",
}
"""Each fault in words."""


def probes_at(point: FaultPoint) -> Iterator[Probe]:
    """Yield the faults that can go to a point."""
    for name in names_at(point.side, point.message):
        order = fault_order(name, on=point.service, protocol=point.protocol, when=point.when)
        yield Probe(point=point, name=name, order=order)


def names_at(side: Side, message: str) -> tuple[str, ...]:
    """Return the names of the faults that can go to a message, the simplest first."""
    if side == "reply":
        return ("lost-reply", "hang", "kill")
    if message in {"CopyData", "CopyDone"}:
        return ("cut", "reset", "hang", "kill")
    return ("cut", "reset", "error", "hang", "kill")


def fault_order(name: str, *, on: str, protocol: Protocol, when: When) -> FaultOrder:
    """Return the fault of that name, at that trigger."""
    kind, attributes = name, dict[str, object]()
    if name == "lost-reply":
        kind = "cut"
    elif name == "error" and protocol == "http":
        kind, attributes = "respond", {"status": UNAVAILABLE}
    elif name == "error":
        starting = when.message == "Startup"
        attributes = {"sqlstate": CANNOT_CONNECT_NOW if starting else SERIALIZATION_FAILURE}
    return FaultOrder(on=on, when=when, kind=kind, attributes=attributes)
