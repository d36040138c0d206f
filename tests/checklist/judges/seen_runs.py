"""Make run records for the judges' tests: what a proxy, a process and an inbox would have seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.record import (
    CallRecord,
    FaultRecord,
    LogLine,
    Message,
    ProcessRecord,
    RunRecord,
)
from pytest_resilience.chaos.scenario.model import FaultOrder, When


def fault(
    kind: str = "reset",
    *,
    on: str = "labs",
    at: float | Sequence[float] = 0.5,
    fired: bool = True,
    healed_at: float | None = None,
    when: When | None = None,
    **attributes: Any,
) -> FaultRecord:
    """Return a fault that fired at these times."""
    times = [at] if isinstance(at, int | float) else list(at)
    receipts = tuple(Receipt(at=time, service=on, kind=kind, connection=1) for time in times)
    return FaultRecord(
        order=FaultOrder(on=on, when=when or When(start=True), kind=kind, attributes=attributes),
        receipts=receipts if fired else (),
        injected_at=0.0,
        healed_at=healed_at,
        id="fault-1",
    )


def get(
    at: float, connection: int = 1, *, path: str = "/items/{}", method: str = "GET", keyed: bool | None = None
) -> Message:
    """Return a request."""
    return Message(
        at=at, service="labs", connection=connection, side="request", message=method, shape=path, keyed=keyed
    )


def answer(at: float, connection: int = 1, *, status: int = 200) -> Message:
    """Return a reply."""
    return Message(at=at, service="labs", connection=connection, side="reply", message=str(status))


def notice(
    at: float, text: str, connection: int = 1, *, fault_id: str | None = None, on: str = "labs"
) -> Message:
    """Return what is no message: `connected`, `closed`, a stroke."""
    return Message(at=at, service=on, connection=connection, side="-", message=text, fault=fault_id)


def struck(
    at: float,
    kind: str = "reset",
    connection: int = 1,
    *,
    method: str = "GET",
    path: str = "/items/{}",
    lasts: float = 0.001,
    keyed: bool | None = None,
) -> Iterator[Message]:
    """Yield a request on a connection of its own, which a fault strikes."""
    yield notice(at, "connected", connection)
    yield get(at, connection, method=method, path=path, keyed=keyed)
    yield notice(at, f"{kind} at {method} {path}, request", connection, fault_id="fault-1")
    yield notice(at + lasts, "closed", connection)


def exchange(
    at: float, connection: int = 1, *, path: str = "/items/{}", method: str = "GET"
) -> Iterator[Message]:
    """Yield a request that is answered."""
    yield notice(at, "connected", connection)
    yield get(at, connection, path=path, method=method)
    yield answer(at + 0.005, connection)
    yield notice(at + 0.006, "closed", connection)


def episode(
    gaps: Sequence[float],
    *,
    kind: str = "reset",
    began: float = 0.5,
    lasts: float = 0.001,
    method: str = "GET",
    keyed: bool | None = None,
    first: int = 1,
) -> list[Message]:
    """Return the messages of one operation that is tried again after each gap, and fails each time."""
    messages, at = [], began
    for number, gap in enumerate([*gaps, None], first):
        messages.extend(struck(at, kind, number, lasts=lasts, method=method, keyed=keyed))
        if gap is not None:
            at += lasts + gap
    return messages


def run(
    messages: Iterable[Message] = (),
    *,
    exit_code: int | None = 1,
    stderr: str = "",
    stdout: str = "",
    ended: float | None = 1000.0,
    blocked: bool = False,
    told_to_end: bool = False,
    faults: Sequence[FaultRecord] | None = None,
    logs: Sequence[LogLine] = (),
    **more: Any,
) -> RunRecord:
    """Return a job's run."""
    return RunRecord(
        workload="ingest",
        processes=(
            ProcessRecord(
                began=0.0,
                ended=ended,
                exit_code=exit_code,
                stdout=stdout,
                stderr=stderr,
                blocked=blocked,
                told_to_end=told_to_end,
            ),
        ),
        messages=tuple(messages),
        faults=(fault(),) if faults is None else tuple(faults),
        logs=tuple(logs),
        **more,
    )


def clean(messages: Iterable[Message] | None = None, **more: Any) -> RunRecord:
    """Return an undisturbed run that works."""
    seen = exchange(0.5) if messages is None else messages
    return run(seen, exit_code=more.pop("exit_code", 0), faults=(), **more)


def calls(
    *outcomes: str, began: float = 0.0, every: float = 1.0, lasts: float = 0.01
) -> tuple[CallRecord, ...]:
    """Return calls with these outcomes, one after another."""
    return tuple(
        CallRecord(
            number=number,
            began=began + every * (number - 1),
            ended=began + every * (number - 1) + lasts,
            outcome=outcome,
        )
        for number, outcome in enumerate(outcomes, 1)
    )


def log(at: float, text: str) -> LogLine:
    """Return a captured line."""
    return LogLine(at=at, text=text)
