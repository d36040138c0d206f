"""Where a service's traffic can be struck in a run: its calls, its logins, and how early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.points.recording import record_points
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.records.asides import Asides, asides, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a service's traffic can be struck in a run.

    Args:
        service: its name.
        calls: the requests and statements that the workload makes once it works.
        logins: the connections that it opens then.
        begins_cold: whether the workload starts under the fault: it is no server, which would never serve.
        warm_after: seconds from its first connection until a server serves.
    """

    service: str
    calls: tuple[FaultPoint, ...]
    logins: tuple[FaultPoint, ...]
    begins_cold: bool
    warm_after: float

    def order(self, when: When, kind: str, *, seconds: float | None = None, **more: Any) -> FaultOrder:
        """Return an order on the service."""
        times = more.pop("times", None)
        return FaultOrder(
            on=self.service, when=when, kind=kind, attributes=more, seconds=seconds, times=times
        )

    @property
    def early(self) -> When:
        """The earliest moment at which a fault on connections can come."""
        return When(start=True) if self.begins_cold else When(after=self.warm_after)


def places(clean: CleanRun, service: str) -> Places:
    """Return where a service can be struck: of a server, only while it is driven with requests."""
    record, server = clean.record, clean.workload.shape == "server"
    served_at = min((call.began for call in record.calls), default=0.0) if server else 0.0
    met_at = min((message.at for message in record.messages if message.service == service), default=0.0)
    points = _later_points(clean, service, served_at)
    requests = [point for point in points if point.side == "request"]
    calls = tuple(point for point in requests if point.message not in {"Startup", "CopyData", "CopyDone"})
    return Places(
        service=service,
        calls=_answers_first(calls, asides(record, service), clean.recording.of(service)),
        logins=tuple(point for point in requests if point.message == "Startup"),
        begins_cold=not server,
        warm_after=max(0.0, served_at - met_at) + 0.3,
    )


def _answers_first(
    calls: Sequence[FaultPoint], besides: Asides, recorded: Sequence[FaultPoint]
) -> tuple[FaultPoint, ...]:
    """Return calls with those first that answers need, where others are made between answers."""
    if not besides.names:
        return tuple(calls)
    own = [call for call in calls if (call.shape or call.message) in besides.needed]
    others = [call for call in calls if call not in own]
    return (*(_by_statement(call, recorded) for call in own), *others)


def _by_statement(call: FaultPoint, recorded: Sequence[FaultPoint]) -> FaultPoint:
    """Return a point that is found by its statement: how many of its kind come between answers is chance."""
    if call.shape is None:
        return call
    alike = [point for point in recorded if (point.side, point.shape) == (call.side, call.shape)]
    return replace(call, sql=statement(call.shape), nth=alike.index(call) + 1)


def _later_points(clean: CleanRun, service: str, since: float) -> tuple[FaultPoint, ...]:
    """Return the points of messages that came since; how often each came before counts on."""
    kind: ServiceKind = "postgres" if _speaks_postgres(clean, service) else "http"
    before = [m for m in clean.record.messages if m.service == service and m.at < since]
    skipped = {point.id for point in record_points(clean.workload.name, before, {service: kind}).points}
    return tuple(point for point in clean.recording.of(service) if point.id not in skipped)


def _speaks_postgres(clean: CleanRun, service: str) -> bool:
    return any(point.protocol == "postgres" for point in clean.recording.of(service))


def outage(where: Places) -> FaultOrder:
    """Return the order of an outage that lasts."""
    if where.begins_cold or not where.calls:
        return where.order(where.early, "down")
    return where.order(where.calls[0].when, "down")


def passing(where: Places) -> FaultOrder | None:
    """Return the order of a fault that passes at once, where the connection or the request can be tried again."""
    for point in (*where.logins[:1], *where.calls[:1]):
        return where.order(point.when, "reset")
    return None
