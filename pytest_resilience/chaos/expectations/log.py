"""The `log` expectation: a record of at least a level, with its fields, after the first receipt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.expectations.log_record import has_fact, level_number, level_of, resolution
from pytest_resilience.chaos.run.record import LogLine, RunRecord
from pytest_resilience.chaos.scenario.model import Expectations, LogExpectation


def judge_logs(expect: Expectations, record: RunRecord, _context: Context) -> Iterator[Judgement]:
    """Judge each expected record; one line has to meet all that is asked."""
    for wanted in expect.logs:
        if wanted.level is not None:
            level_number(wanted.level)  # a level that nobody knows is refused even where no line has one
        lines = lines_since_receipt(record)
        found = [line for line in lines if not missing(line, wanted)]
        yield Judgement(
            name="log",
            phase="safety",
            held=bool(found),
            expected=log_words(wanted),
            seen=f"{len(found)} such line{'s'[: len(found) != 1]}" if found else _nearest(lines, wanted),
        )


def lines_since_receipt(record: RunRecord) -> list[LogLine]:
    """Return the lines that were written after the first fault fired; all where none did."""
    first = record.first_receipt
    if first is None:
        return list(record.logs)
    return [line for line in record.logs if line.at + resolution(line.record) >= first]


def log_words(wanted: LogExpectation) -> str:
    """Say what is asked of a line."""
    parts = [f"of at least {wanted.level}"] if wanted.level else []
    parts += [f"with {', '.join(wanted.fields)}"] if wanted.fields else []
    parts += [f"that matches {wanted.matches!r}"] if wanted.matches is not None else []
    return (
        f"a record {' and '.join(parts)} after the first receipt"
        if parts
        else "a line after the first receipt"
    )


def missing(line: LogLine, wanted: LogExpectation) -> tuple[str, ...]:
    """Say what a line lacks of what is asked."""
    found: list[str] = []
    if (wanted.level or wanted.fields) and line.record is None:
        found.append("it is neither JSON nor logfmt")
    elif line.record is not None:
        found += _level_missing(line, wanted.level)
        found += [f"no {name}" for name in wanted.fields if not has_fact(line.record, name)]
    if wanted.matches is not None and re.search(wanted.matches, line.text) is None:
        found.append("no match")
    return tuple(found)


def _level_missing(line: LogLine, wanted: str | None) -> list[str]:
    if wanted is None:
        return []
    level = level_of(line.record or {})
    if level is None:
        return ["no level"]
    return [] if level >= level_number(wanted) else [f"its level is below {wanted}"]


def _nearest(lines: list[LogLine], wanted: LogExpectation) -> str:
    """Say how near the nearest line came; what it says is in the log that the report shows."""
    if not lines:
        return "no line after the first receipt"
    lacks = min((missing(line, wanted) for line in lines), key=len)
    return f"{len(lines)} line{'s'[: len(lines) != 1]}, the nearest lacks: {', '.join(lacks)}"
