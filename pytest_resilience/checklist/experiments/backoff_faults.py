"""The faults that show how a workload tries again: those that last, those that never pass, and lost answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.experiments.places import Places
from pytest_resilience.checklist.experiments.service_faults import ADMIN_SHUTDOWN, LASTS
from pytest_resilience.checklist.records.asides import asides

PERMANENT = (400, 401, 404, 422)
"""HTTP statuses that the same request gets again."""
WRONG_PASSWORD, NO_TABLE, NOT_SERIALIZABLE = "28P01", "42P01", "40001"
"""PostgreSQL documentation, appendix A."""
MOST_OPERATIONS = 3
"""Different requests of one service that are tried each for itself."""
_STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY")
_REPEATABLE = ("GET", "HEAD", "PUT", "DELETE")
_STRICT = ("SERIALIZABLE", "REPEATABLE READ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One fault of a service.

    Args:
        name: a short text, unique for its service.
        title: the same as words.
        order: the fault.
        in_real_time: the client notices it by a time-out of its sockets, which no time scale reaches.
        single: one episode is enough.
    """

    name: str
    title: str
    order: FaultOrder
    in_real_time: bool = False
    single: bool = False


def lasting(where: Places, kind: ServiceKind, clean: CleanRun) -> Iterator[Trouble]:
    """Yield the faults that may pass and do not; the first is the one that is looked at first."""
    if kind == "postgres":
        yield from _lasting_postgres(where, clean)
    elif kind == "tcp":
        order = where.order(where.early, "reset_peer", after=0.0)
        yield Trouble(name="reset", title="connections reset", order=order)
    else:
        yield from _lasting_web(where)


def permanent(where: Places, kind: ServiceKind) -> Iterator[Trouble]:
    """Yield the faults that stay whatever is tried."""
    if kind == "postgres":
        yield from _permanent_postgres(where)
    elif kind != "tcp":
        for status in PERMANENT:
            order = where.order(_everywhere(where), "respond", seconds=LASTS, status=status)
            yield Trouble(name=f"permanent-{status}", title=f"status {status}", order=order)


def asked_to_wait(where: Places, seconds: int) -> FaultOrder:
    """Return the order of one answer that asks for so many seconds of patience."""
    headers = {"Retry-After": str(seconds)}
    return where.order(where.calls[0].when, "respond", times=1, status=429, headers=headers)


def lost_answers(where: Places) -> Iterator[Trouble]:
    """Yield, for each request that changes something, the loss of its answer after it was done."""
    for number, point in enumerate(_operations(where, ("POST", "PATCH"))[:MOST_OPERATIONS], 1):
        when = When(request=point.message, side="reply", nth=point.nth)
        name = "repeats" if number == 1 else f"repeats-{number}"
        order = where.order(when, "reset", times=1)
        yield Trouble(name=name, title=f"answer to {point.message} lost", order=order)


def _lasting_web(where: Places) -> Iterator[Trouble]:
    when = _everywhere(where)
    busy = where.order(when, "respond", seconds=LASTS, status=503)
    yield Trouble(name="status-503", title="status 503", order=busy)
    reset = where.order(when, "reset", seconds=LASTS)
    yield Trouble(name="reset", title="connections reset", order=reset)
    hang = where.order(when, "hang", seconds=LASTS)
    yield Trouble(name="hang", title="no answer", order=hang, in_real_time=True, single=True)
    first = where.calls[0].message
    others = [point for point in _operations(where, _REPEATABLE) if point.message != first]
    for number, point in enumerate(others[: MOST_OPERATIONS - 1], 2):
        order = where.order(point.when, "respond", seconds=LASTS, status=503)
        title = f"status 503 at {point.message}"
        yield Trouble(name=f"status-503-{number}", title=title, order=order, single=True)


def _lasting_postgres(where: Places, clean: CleanRun) -> Iterator[Trouble]:
    parts = [_lasting_logins(where), _lasting_calls(where)]
    if asides(clean.record, where.service).connects:
        parts.reverse()  # what is looked at first has to be a call's
    yield from chain(*parts)
    if is_strict(clean, where.service):
        for call in [call for call in where.calls if call.is_commit][:1]:
            order = where.order(call.when, "error", seconds=LASTS, sqlstate=NOT_SERIALIZABLE)
            title = "serialization failure (40001)"
            yield Trouble(name="serialization", title=title, order=order, single=True)


def _lasting_logins(where: Places) -> Iterator[Trouble]:
    for login in where.logins[:1]:
        reset = where.order(login.when, "reset", seconds=LASTS)
        yield Trouble(name="login-reset", title="connections reset at the login", order=reset)


def _lasting_calls(where: Places) -> Iterator[Trouble]:
    for call in where.calls[:1]:
        shutdown = where.order(call.when, "error", seconds=LASTS, sqlstate=ADMIN_SHUTDOWN)
        yield Trouble(name="shutdown", title="server shut down (57P01)", order=shutdown)
        hang = where.order(call.when, "hang", seconds=LASTS)
        yield Trouble(name="hang", title="no answer", order=hang, in_real_time=True, single=True)


def is_strict(clean: CleanRun, service: str) -> bool:
    """Whether transactions run at an isolation level at which they have to be tried again."""
    shapes = (message.shape for message in clean.record.messages if message.service == service)
    return any(level in shape.upper() for shape in shapes if shape for level in _STRICT)


def _permanent_postgres(where: Places) -> Iterator[Trouble]:
    for login in where.logins[:1]:
        order = where.order(
            login.when, "error", seconds=LASTS, sqlstate=WRONG_PASSWORD, severity="FATAL", message=_NO_ENTRY
        )
        yield Trouble(name="permanent-password", title="password refused (28P01)", order=order)
    statements = [call for call in where.calls if call.message in _STATEMENTS]
    for call in statements[:1]:
        order = where.order(call.when, "error", seconds=LASTS, sqlstate=NO_TABLE, message=_NO_RELATION)
        yield Trouble(name="permanent-table", title="table missing (42P01)", order=order)


_NO_ENTRY = 'password authentication failed for user "app"'
_NO_RELATION = 'relation "records" does not exist'


def _everywhere(where: Places) -> When:
    """Return the trigger of all requests; of a server's, that of the first while it is driven."""
    return When(start=True) if where.begins_cold else where.calls[0].when


def _operations(where: Places, methods: tuple[str, ...]) -> list[FaultPoint]:
    """Return the first of each different request with one of these methods."""
    first: dict[str, FaultPoint] = {}
    for point in where.calls:
        if point.message.partition(" ")[0] in methods:
            first.setdefault(point.message, point)
    return list(first.values())
