"""All fault points of a workload's clean run, kept as JSON, and compared with those of an earlier one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.points.of_http import http_points
from pytest_resilience.chaos.points.of_postgres import postgres_points
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.run.record import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The fault points of one workload, service by service, in the order in which they came."""

    workload: str
    points: tuple[FaultPoint, ...]

    def of(self, service: str) -> tuple[FaultPoint, ...]:
        """Return the points of one service."""
        return tuple(point for point in self.points if point.service == service)

    def also_in(self, other: Recording) -> Recording:
        """Return the points that another run came by as well: how far a pool grows differs from run to run."""
        known = {(point.service, point.id) for point in other.points}
        return Recording(
            workload=self.workload,
            points=tuple(point for point in self.points if (point.service, point.id) in known),
        )

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps({"workload": self.workload, "points": [asdict(point) for point in self.points]})

    @classmethod
    def from_json(cls, text: str) -> Recording | None:
        """Return what `to_json` wrote; none where another version of it did."""
        try:
            found = json.loads(text)
            points = tuple(FaultPoint(**point) for point in found["points"])
            return cls(workload=found["workload"], points=points)
        except (ValueError, KeyError, TypeError):
            return None


def record_points(workload: str, messages: Sequence[Message], kinds: Mapping[str, ServiceKind]) -> Recording:
    """Return the fault points in the messages of a clean run.

    Args:
        workload: its name.
        messages: what the proxies saw, in order.
        kinds: what each service speaks; a tcp service has no points, only its turns are known.
    """
    points: list[FaultPoint] = []
    for service, kind in kinds.items():
        own = [message for message in messages if message.service == service]
        if kind == "postgres":
            points.extend(postgres_points(service, own))
        elif kind in {"http", "mlflow"}:
            points.extend(http_points(service, own))
    return Recording(workload=workload, points=tuple(points))


def difference(before: Recording, after: Recording) -> tuple[str, ...]:
    """Say in words what kinds of places came and went, with how many points each."""
    old, new = (Counter(point.kind_of_place for point in side.points) for side in (before, after))
    lines = [f"+ {count} x {_told(place)}" for place, count in (new - old).items()]
    return (*lines, *(f"- {count} x {_told(place)}" for place, count in (old - new).items()))


def outline(recording: Recording) -> tuple[str, ...]:
    """Return a line for each kind of place, in the order in which they first came, with how many points there are."""
    counts = Counter(point.kind_of_place for point in recording.points)
    return tuple(
        _told(place) + (f"  ({count} times)" if count > 1 else "") for place, count in counts.items()
    )


def _told(place: tuple[str, ...]) -> str:
    service, side, message, shape, transaction = place
    status = {"I": "", "T": ", in a transaction", "E": ", in a failed transaction", "": ""}[transaction]
    text = "" if not shape or shape.upper() == message else f": {shape[:90]}"
    return f"{service} {side} {message}{status}{text}"
