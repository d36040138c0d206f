"""The time line of one run: marks on lanes, with names and shapes only, never with content.

What a workload writes, logs or sends may hold a patient's data; which message passed when does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.run.record import AlertRecord, FaultRecord, LogLine, Message, RunRecord
from pytest_resilience.report.attempts import attempts
from pytest_resilience.report.circuits import circuits

MarkKind: TypeAlias = Literal[
    "process", "call", "message", "fault", "attempt", "breaker", "log", "alert", "check"
]
MOST_MARKS = 2000
"""Marks of one run; more help no reader, and weigh down the page."""
_MOST_TELLING_FIRST: tuple[MarkKind, ...] = (
    "process", "fault", "check", "alert", "breaker", "log", "call", "attempt", "message",
)  # fmt: skip
_WORTH_A_MARK = {"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something at a time of a run.

    Args:
        at: seconds since the run began, as the workload counts them.
        kind: what it is.
        lane: the line on which it is drawn: a service, `workload`, `alerts`, ...
        label: in words.
        until: where it lasted, its end.
        bad: whether it is something gone wrong.
        count: how many alike stand for it.
    """

    at: float
    kind: MarkKind
    lane: str
    label: str
    until: float | None = None
    bad: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One run on its time line.

    Args:
        id: the run's, for example its pytest id.
        title: what was tried, in words.
        workload: its name.
        items: ids of the items that it gave evidence for.
        verdict: `passed`, `failed`, ...; empty where it was not judged alone.
        why: the reason.
        replay: the command that runs it again.
        duration: seconds, as the workload counts them.
        real_duration: by our clock.
        time_scale: how much faster waits ran.
        marks: in order.
        left_out: how many marks there are beyond those.
        notes: leaks, bypasses, and what else a reader has to know.
    """

    id: str
    title: str
    workload: str
    items: tuple[str, ...] = ()
    verdict: str = ""
    why: str = ""
    replay: str = ""
    duration: float = 0.0
    real_duration: float = 0.0
    time_scale: float = 1.0
    marks: tuple[Mark, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()


def timeline(record: RunRecord, *, id: str, title: str, **facts: Any) -> Timeline:  # noqa: A002 - the field
    """Return the time line of a run.

    Args:
        record: what was seen of it.
        id: the run's.
        title: what was tried.
        facts: `items`, `verdict`, `why`, `replay` of `Timeline`.
    """
    marks = sorted(_marks(record), key=lambda mark: mark.at)
    kept = _most_telling(marks)
    return Timeline(
        id=id,
        title=title,
        workload=record.workload,
        duration=record.duration,
        real_duration=record.real_duration,
        time_scale=record.time_scale,
        marks=tuple(kept),
        left_out=len(marks) - len(kept),
        notes=(*record.notes, *record.leaks, *record.bypasses),
        **facts,
    )


def _most_telling(marks: Sequence[Mark]) -> list[Mark]:
    """Return at most so many, in order of time: faults before messages, what is bad before what is not."""
    rank = {kind: number for number, kind in enumerate(_MOST_TELLING_FIRST)}
    kept = sorted(marks, key=lambda mark: (rank[mark.kind], not mark.bad, mark.at))[:MOST_MARKS]
    return sorted(kept, key=lambda mark: mark.at)


def _marks(record: RunRecord) -> Iterator[Mark]:
    yield from _processes(record)
    yield from _calls(record)
    yield from _joined(record.messages)
    for fault in record.faults:
        yield from _fault(fault)
    for seen in attempts(record.messages):
        label = f"attempt {seen.number}: {seen.message}"
        yield Mark(at=seen.at, kind="attempt", lane=f"{seen.service} attempts", label=label)
    for state in circuits(record):
        yield Mark(
            at=state.at,
            until=state.until,
            kind="breaker",
            lane="breaker",
            label=state.label,
            bad=state.word == "open",
        )
    yield from _voices(record)
    for check in (*record.before, *record.after):
        if not check.held:
            yield Mark(
                at=record.duration,
                kind="check",
                lane="workload",
                label=f"did not hold: {check.check}",
                bad=True,
            )
    if record.recovered_at is not None:
        yield Mark(at=record.recovered_at, kind="check", lane="workload", label="steady state again")


def _processes(record: RunRecord) -> Iterator[Mark]:
    for number, process in enumerate(record.processes, start=1):
        end = "killed by us" if process.killed else f"exit {process.exit_code}"
        label = "blocked at its deadline" if process.blocked else end
        yield Mark(
            at=process.began,
            until=record.duration if process.ended is None else process.ended,
            kind="process",
            lane="workload",
            label=f"start {number}: {label}",
            bad=process.blocked or (not process.killed and process.exit_code not in {0, None}),
        )


def _calls(record: RunRecord) -> Iterator[Mark]:
    for call in record.calls:
        outcome = call.error[0] if call.error else call.outcome
        yield Mark(
            at=call.began,
            until=record.duration if call.ended is None else call.ended,
            kind="call",
            lane="calls",
            label=f"call {call.number}: {outcome if call.ended is not None else 'never came back'}",
            bad=call.ended is None or call.outcome == "raised" or call.outcome[:1] == "5",
        )


def _joined(messages: Sequence[Message]) -> Iterator[Mark]:
    """Return a mark for each message; neighbours alike on one lane are one."""
    last: dict[str, Mark] = {}
    for message in messages:
        mark = _message(message)
        before = last.get(mark.lane)
        if before is not None and not mark.bad and (before.label, before.bad) == (mark.label, False):
            last[mark.lane] = replace(before, until=mark.at, count=before.count + mark.count)
            continue
        if before is not None:
            yield before
        last[mark.lane] = mark
    yield from last.values()


def _message(message: Message) -> Mark:
    arrow = {"request": "→ ", "reply": "← "}.get(message.side, "")
    shape = f" {message.shape}" if message.shape and message.shape != message.message else ""
    struck = f" (struck by {message.fault})" if message.fault else ""
    return Mark(
        at=message.at,
        kind="message",
        lane=message.service,
        label=f"{arrow}{message.message}{shape}{struck}",
        bad=message.fault is not None,
        count=message.count,
    )


def _fault(fault: FaultRecord) -> Iterator[Mark]:
    lane = f"{fault.order.on or 'workload'} faults"
    if fault.injected_at is not None and fault.healed_at is not None:
        yield Mark(
            at=fault.injected_at,
            until=fault.healed_at,
            kind="fault",
            lane=lane,
            label=f"{fault.order.kind} in place",
        )
    for receipt in fault.receipts:
        at = f" at {receipt.message}" if receipt.message else ""
        on = f" on connection {receipt.connection}" if receipt.connection else ""
        yield Mark(at=receipt.at, kind="fault", lane=lane, label=f"{receipt.kind}{at}{on}", bad=True)


def _voices(record: RunRecord) -> Iterator[Mark]:
    for line in record.logs:
        if mark := _log(line):
            yield mark
    for alert in record.alerts:
        yield _alert(alert)


def _log(line: LogLine) -> Mark | None:
    """Return a mark for a line that warns; what it says stays in the log."""
    facts = line.record or {}
    level = str(facts.get("level", facts.get("levelname", facts.get("severity", "")))).upper()
    if level not in _WORTH_A_MARK:
        return None
    names = [str(facts[key]) for key in ("event_type", "error_type", "operation") if key in facts]
    return Mark(
        at=line.at,
        kind="log",
        lane="log",
        label=" ".join([level, *names]),
        bad=level not in {"WARNING", "WARN"},
    )


def _alert(alert: AlertRecord) -> Mark:
    payload = alert.body.get("payload")
    facts: Mapping[str, Any] = payload if isinstance(payload, Mapping) else alert.body
    names = [
        str(value)
        for value in (alert.body.get("event_action"), facts.get("severity"), facts.get("component"))
        if value
    ]
    refused = f" refused: {alert.rejected}" if alert.rejected else ""
    return Mark(
        at=alert.at,
        kind="alert",
        lane="alerts",
        label=f"{alert.channel} {' '.join(names)}".strip() + refused,
        bad=alert.rejected is not None,
    )
