"""The faults of a service that every call to it has to survive: some last, others pass by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.of_http import changes
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.points.recording import record_points
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.records.asides import Asides, asides, statement

LASTS = 3600.0
"""Seconds of a fault that outlives every run."""
TRICKLE = 1
"""Bytes a second."""
CUT_AFTER = 160
"""Bytes of a reply that pass before it is cut: a part of most, even of short ones' heads."""
TOO_MANY_CONNECTIONS, ADMIN_SHUTDOWN, UNIQUE_VIOLATION = "53300", "57P01", "23505"
"""PostgreSQL documentation, appendix A."""
MOST_OTHERS = 4
"""Other requests of a service that are tried alone."""
_WRITES = ("INSERT", "UPDATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFault:
    """One way in which a service fails.

    Args:
        name: a short text, unique for its service.
        title: the same as words.
        order: the fault.
        planted: secrets that it brings with it, by what they are.
        may_go_unseen: sound code may take what it got for an answer, where it does not read it.
    """

    name: str
    title: str
    order: FaultOrder
    planted: Mapping[str, str] = field(default_factory=dict)
    may_go_unseen: bool = False


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


def service_faults(clean: CleanRun, service: str, kind: ServiceKind) -> Iterator[ServiceFault]:
    """Yield the faults that a service of this kind is tried with.

    Args:
        clean: the workload undisturbed.
        service: the service's name.
        kind: what it speaks.
    """
    where = places(clean, service)
    yield from _MAKERS[kind](where)


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


def _any_kind(where: Places) -> Iterator[ServiceFault]:
    if where.begins_cold:
        yield ServiceFault(
            name="refused", title="connections refused", order=where.order(When(start=True), "down")
        )
    if where.calls:
        when = where.calls[0].when
        yield ServiceFault(
            name="lost", title="service lost at its first call", order=where.order(when, "down")
        )
        yield ServiceFault(
            name="reset", title="connection reset after the request", order=where.order(when, "reset")
        )
        yield ServiceFault(name="hang", title="no answer to the request", order=where.order(when, "hang"))


def _postgres(where: Places) -> Iterator[ServiceFault]:
    yield from _any_kind(where)
    if where.begins_cold:
        order = where.order(When(start=True), "bandwidth", rate=TRICKLE, times=1)
        yield ServiceFault(name="slow", title="1 byte a second", order=order, may_go_unseen=True)
    for login in where.logins[:1]:
        full = where.order(login.when, "error", sqlstate=TOO_MANY_CONNECTIONS, severity="FATAL")
        yield ServiceFault(name="full", title="too many connections", order=full)
        yield ServiceFault(
            name="login-reset", title="connection reset at the login", order=where.order(login.when, "reset")
        )
    for call in where.calls[:1]:
        order = where.order(call.when, "error", sqlstate=ADMIN_SHUTDOWN)
        yield ServiceFault(name="shutdown", title="server shut down", order=order)
    yield from _duplicate(where)


def _duplicate(where: Places) -> Iterator[ServiceFault]:
    """A duplicate key, whose DETAIL prints a patient's number as the real server's does."""
    ssn = made_up_ssn(f"row {where.service}")
    for call in [call for call in where.calls if call.message in _WRITES][:1]:
        order = where.order(
            call.when,
            "error",
            sqlstate=UNIQUE_VIOLATION,
            message='duplicate key value violates unique constraint "patients_ssn_key"',
            detail=f"Key (ssn)=({ssn}) already exists.",
        )
        yield ServiceFault(
            name="duplicate",
            title="duplicate key with a patient's number in its DETAIL",
            order=order,
            planted={"planted patient's number in a row (PostgreSQL's DETAIL)": ssn},
        )


def _web(where: Places) -> Iterator[ServiceFault]:
    yield from _any_kind(where)
    for call in where.calls[:1]:
        ssn = made_up_ssn(f"reply {where.service}")
        body = {"error": "internal error", "patient": {"ssn": ssn}}
        broken = where.order(call.when, "respond", seconds=LASTS, status=500, body=body)
        yield ServiceFault(
            name="status-500",
            title="status 500",
            order=broken,
            planted={"planted patient's number in the service's reply": ssn},
        )
        busy = where.order(call.when, "respond", status=429, headers={"Retry-After": "1"})
        yield ServiceFault(name="status-429", title="status 429", order=busy)
        page = "<!DOCTYPE html><html><body><h1>Welcome to the guest network</h1></body></html>"
        html = where.order(
            call.when, "respond", seconds=LASTS, status=200, headers={"Content-Type": "text/html"}, body=page
        )
        yield ServiceFault(name="html", title="HTML instead of JSON", order=html, may_go_unseen=True)
        yield from _broken_replies(where, call)


def _http(where: Places) -> Iterator[ServiceFault]:
    yield from _web(where)
    yield from _each_alone(_others(where)[:MOST_OTHERS], where)


def _registry(where: Places) -> Iterator[ServiceFault]:
    """Of its dozens of requests the last that change something are tried alone: a model is promoted in the end."""
    yield from _web(where)
    changing = [call for call in _others(where) if changes(call.message)]
    yield from _each_alone(changing[-MOST_OTHERS:], where)


def _others(where: Places) -> list[FaultPoint]:
    """Return the first of each request but that of the first call."""
    others: dict[str, FaultPoint] = {}
    for call in where.calls:
        if call.message != where.calls[0].message:
            others.setdefault(call.message, call)
    return list(others.values())


def _each_alone(calls: Iterable[FaultPoint], where: Places) -> Iterator[ServiceFault]:
    """Yield each request broken alone: what lasts for all of them ends the work at the first."""
    for call in calls:
        body = {"error": "internal error"}
        yield ServiceFault(
            name=f"status-500-{call.id.removesuffix('-request')}",
            title=f"status 500 to {call.message}",
            order=where.order(call.when, "respond", seconds=LASTS, status=500, body=body),
        )


def _broken_replies(where: Places, call: FaultPoint) -> Iterator[ServiceFault]:
    reply = When(request=call.message, side="reply", nth=call.nth)
    slow = where.order(call.when, "slow", rate=TRICKLE, headers=True)
    yield ServiceFault(name="slow", title="1 byte a second", order=slow, may_go_unseen=True)
    cut = where.order(reply, "truncate", bytes=CUT_AFTER)
    yield ServiceFault(name="cut-reply", title="reply cut short", order=cut, may_go_unseen=True)
    chunk = where.order(reply, "bad_chunk")
    yield ServiceFault(name="bad-chunk", title="reply with an invalid chunk", order=chunk, may_go_unseen=True)


def _tcp(where: Places) -> Iterator[ServiceFault]:
    """Of a protocol that nobody knows: the connections alone."""
    early = where.early
    yield ServiceFault(name="refused", title="connections refused", order=where.order(early, "down"))
    yield ServiceFault(
        name="reset", title="connections reset", order=where.order(early, "reset_peer", after=0.0)
    )
    yield ServiceFault(name="hang", title="no answer", order=where.order(early, "timeout", after=0.0))
    slow = where.order(early, "bandwidth", rate=TRICKLE, times=1)
    yield ServiceFault(name="slow", title="1 byte a second", order=slow, may_go_unseen=True)


_MAKERS: Mapping[ServiceKind, Callable[[Places], Iterator[ServiceFault]]] = {
    "postgres": _postgres,
    "http": _http,
    "mlflow": _registry,
    "tcp": _tcp,
}


def made_up_ssn(draw: str) -> str:
    """Return a number of the form of a social security number, the same for the same draw."""
    dice = Random(draw)
    return f"{dice.randint(100, 665)}-{dice.randint(10, 99)}-{dice.randint(1000, 9999)}"
