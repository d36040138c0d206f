"""The level of any log line, on the scale of Python's logging: of a record of any library, or as free text names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.expectations import log_record
from pytest_resilience.chaos.run.record import LogLine
from pytest_resilience.chaos.workload.log_lines import facts

LEVELS: Mapping[str, int] = {**log_record.LEVELS, "exception": 40}
"""Words for a level or a severity."""

WARNING, ERROR = 30, 40

_LEVEL_WORD = re.compile(r"\b(CRITICAL|FATAL|ERROR|EXCEPTION|WARNING|WARN|INFO|DEBUG)\b")


def parse_line(text: str) -> Mapping[str, Any] | None:
    """Return the facts of a line, or none where it is free text."""
    return facts(text) or None


def record_of(line: LogLine) -> Mapping[str, Any] | None:
    """Return what a captured line says, as it was read or as it reads now."""
    return line.record if line.record is not None else parse_line(line.text)


def level_of(record: Mapping[str, Any]) -> int:
    """Return a record's level as the standard library's number; 0 where it says none.

    What stands at its top counts before what stands further in: loguru, ECS and OpenTelemetry write it there.
    """
    at_top = max(
        (level_number(record[name]) for name in log_record.ALIASES["level"] if name in record), default=0
    )
    return at_top or log_record.level_of(record) or 0


def level_in(line: LogLine) -> int:
    """Return the level of any line: of its record, or of the first level that its text names."""
    record = record_of(line)
    if record is not None:
        return level_of(record)
    word = _LEVEL_WORD.search(line.text)
    return LEVELS[word[1].lower()] if word else 0


def level_number(value: Any) -> int:
    """Return a level or a severity as the standard library's number; 0 where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    return int(text) if text.isdigit() else LEVELS.get(text, 0)
