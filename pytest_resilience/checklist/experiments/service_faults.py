"""The faults of a service that every call to it has to survive: some last, others pass by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.of_http import changes
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.run.exposure import ANSWERS
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.experiments.places import Places, places

LASTS = 3600.0
"""Seconds of a fault that outlives every run."""
TRICKLE = 1
"""Bytes a second."""
CUT_AFTER = 160
"""Bytes of a reply that pass before it is cut: a part of most, even of short ones' heads."""
TOO_MANY_CONNECTIONS, ADMIN_SHUTDOWN, UNIQUE_VIOLATION, DISK_FULL = "53300", "57P01", "23505", "53100"
"""PostgreSQL documentation, appendix A."""
MOST_POOLED = 20
"""Connections that a pool keeps, at most, where nobody has set another number (SQLAlchemy 15, asyncpg 10)."""
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
        answers: requests to a server that have to be answered under it, besides those that it met.
    """

    name: str
    title: str
    order: FaultOrder
    planted: Mapping[str, str] = field(default_factory=dict)
    may_go_unseen: bool = False
    answers: int = ANSWERS


def service_faults(clean: CleanRun, service: str, kind: ServiceKind) -> Iterator[ServiceFault]:
    """Yield the faults that a service of this kind is tried with.

    Args:
        clean: the workload undisturbed.
        service: the service's name.
        kind: what it speaks.
    """
    where = places(clean, service)
    yield from _MAKERS[kind](where)


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
    if not where.begins_cold:
        yield from _full_disk(where)


def _full_disk(where: Places) -> Iterator[ServiceFault]:
    """Each write is refused for a while, on connections that live: more often than a pool has some to lose."""
    for call in [call for call in where.calls if call.message in _WRITES][:1]:
        order = where.order(call.when, "error", seconds=LASTS, sqlstate=DISK_FULL)
        title = f"{call.message} refused while the disk is full"
        yield ServiceFault(name="disk-full", title=title, order=order, answers=MOST_POOLED)


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
