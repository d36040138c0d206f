"""Item 5: every fault leaves a record that a machine reads, with enough in it to act on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_resilience.chaos.configuration.model import Boundary, WorkloadDeclaration
from pytest_resilience.chaos.expectations.log_levels import ERROR, WARNING, level_in, level_of, record_of
from pytest_resilience.chaos.run.record import CallRecord, LogLine, RunRecord
from pytest_resilience.chaos.scenario.model import RECOVERY_BOUND
from pytest_resilience.chaos.state.difference import count
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.libraries import LIBRARIES
from pytest_resilience.checklist.judges.proof import fault_name, missing_proof, never_returned, worked
from pytest_resilience.checklist.records.facts import facts_of, missing_facts
from pytest_resilience.checklist.records.log_lines import SAY_WHERE, unread_errors
from pytest_resilience.checklist.records.tracebacks import is_bare
from pytest_resilience.checklist.thresholds import MOST_LINES, PARSED_LINES, RECORD_FACTS
from pytest_resilience.checklist.verdict import Evidence

ITEM = "structured-logs"
_LEVEL = re.compile(r"\b(?:CRITICAL|FATAL|ERROR|WARNING|WARN|INFO|DEBUG)\b")
_MODULE = re.compile(r"\b[A-Za-z_]\w*(?:\.\w+)+")
_LOGGED = re.compile(
    r"^\W*\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^\W*\d\d:\d\d:\d\d|^Traceback \(most recent call last\)"
    rf"|{_LEVEL.pattern}"
)
"""Free text as loggers write it: with a time, a level, or a trace."""
_WRITE = "log one JSON (or logfmt) line for each error, at ERROR, or at WARNING while it is tried again"


def judge(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    boundary: Boundary = "application",
    replay: str = "",
) -> Evidence:
    """Return what the log says of one fault."""
    name = fault_name(run.faults[0]) if run.faults else "no fault"
    case = Case(item=ITEM, subject=subject_of(workload.name, service, name), replay=replay)
    if missing := missing_proof(run, service=service, clean=clean):
        return case.unproven(*missing)
    if boundary == "library":
        return _library(case, run)
    since = run.first_receipt or 0.0
    lines = _flattened([line for line in run.logs if line.at >= since])
    return _judge_lines(case, lines, run)


def _while_it_lasted(lines: Sequence[LogLine], run: RunRecord) -> int:
    """Count lines until a moment after the heal: a server that is not back then logs for as long as it is asked."""
    healed = max(
        (fault.healed_at for fault in run.faults if fault.healed_at is not None), default=float("inf")
    )
    return sum(line.at <= healed + RECOVERY_BOUND for line in lines)


def _judge_lines(case: Case, lines: Sequence[LogLine], run: RunRecord) -> Evidence:
    if (many := _while_it_lasted(lines, run)) > MOST_LINES:
        return case.failed(
            f"one fault left {many} lines in the log, more than {MOST_LINES}",
            "log an error once, where it is decided what becomes of it, and count repeats",
        )
    if worked(run) and not any(_tells(line) for line in lines):
        return case.not_applicable("the fault was survived, and no error reached the code that logs")
    records = [record for line in lines if (record := record_of(line)) is not None]
    errors = [record for record in records if level_of(record) >= _least_level(run)]
    if not errors:
        return _nothing(case, lines, records, run)
    return _judge_errors(case, lines, errors)


def _tells(line: LogLine) -> bool:
    """Tell whether the application itself logs that something is wrong; a library's own line is not its word."""
    record = record_of(line) or {}
    names = (record[key] for key in ("logger", "logger_name", "name") if key in record)
    package = str(next(names, "")).partition(".")[0]
    return (level_in(line) >= WARNING and package not in LIBRARIES) or is_bare(line.text)


def _judge_errors(case: Case, lines: Sequence[LogLine], errors: Sequence[Mapping[str, Any]]) -> Evidence:
    best = max(errors, key=lambda record: len(facts_of(record)))
    facts, lacks = len(facts_of(best)), ", ".join(missing_facts(best))
    if facts < RECORD_FACTS:
        return case.failed(
            f"the fullest error record carries {facts} of 8 facts; it lacks {lacks}",
            f"add at least {RECORD_FACTS - facts} of them: {lacks}",
        )
    parsed, texts = _parsed(lines)
    if texts and parsed / (parsed + len(texts)) < PARSED_LINES:
        return case.failed(
            f"{parsed} of {parsed + len(texts)} lines after the fault parse as JSON or logfmt; "
            f"{_described(texts[0])} is free text",
            "give the root logger the same formatter, exceptions included, so that every line parses",
        )
    return case.passed(*([f"an error record lacks {lacks}"] if lacks else []))


def _nothing(
    case: Case, lines: Sequence[LogLine], records: Sequence[Mapping[str, Any]], run: RunRecord
) -> Evidence:
    if unread := unread_errors(run):
        return case.failed(
            f"no record of an error is in the log, and {unread} of warnings and errors are on stdout",
            SAY_WHERE,
        )
    if not lines and (missing := never_returned(run)):
        return case.unproven(*missing)
    if not lines:
        return case.failed("the fault left no line in the log", _WRITE)
    if any(is_bare(line.text) for line in lines) and not records:
        return case.failed(
            "the fault left a bare traceback in the log, no record", _WRITE + "; put the trace in it"
        )
    if records:
        levels = "no level" if not any(map(level_of, records)) else "less than the level of an error"
        return case.failed(f"{count(len(records), 'record')} of the fault: at best {levels}", _WRITE)
    return case.failed(f"the fault left {len(lines)} lines of free text in the log, no record", _WRITE)


def _least_level(run: RunRecord) -> int:
    """While it is tried again, and where that worked, a warning is enough."""
    return WARNING if worked(run) else ERROR


def _flattened(lines: Sequence[LogLine]) -> list[LogLine]:
    """Return lines one by one, without empty ones."""
    return [line for line in lines if line.text.strip() or line.record]


def _parsed(lines: Sequence[LogLine]) -> tuple[int, list[LogLine]]:
    """Return how many lines parse, and those that do not though a logger wrote them: what is for people is no log."""
    unread = [line for line in lines if record_of(line) is None]
    return len(lines) - len(unread), [line for line in unread if _LOGGED.search(line.text)]


def _described(line: LogLine) -> str:
    """Return which line it is, without its words: they may be of a patient."""
    if is_bare(line.text):
        return f"a traceback, {line.at:.2f} s after the start,"
    names = [name for name in _MODULE.findall(line.text) if name.partition(".")[0] in LIBRARIES]
    parts = [*_LEVEL.findall(line.text)[:1], *(f"from {name}" for name in names[:1])]
    said = f" ({' '.join(parts)})" if parts else ""
    return f"one of {count(len(line.text), 'character')}{said}, {line.at:.2f} s after the start,"


def _library(case: Case, run: RunRecord) -> Evidence:
    """A library logs nothing of its own: its exceptions carry the facts."""
    raised = [call for call in run.calls if call.outcome == "raised"]
    if not raised:
        return case.unproven(
            "no call raised, so no exception could be looked at",
            "declare a function of the library as the workload",
        )
    poor = next(_poor(raised), None)
    if poor is None:
        return case.passed()
    return case.failed(
        f"call {poor.number} raised {(*poor.error, 'an exception')[0]} with neither a cause nor a message",
        "raise it `from` what went wrong, with the operation and the resource in its message or attributes",
    )


def _poor(raised: Sequence[CallRecord]) -> Iterator[CallRecord]:
    return (call for call in raised if len(call.error) < 2 and len(call.message.split()) < 3)
