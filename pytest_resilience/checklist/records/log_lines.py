"""Read a log line as a record: JSON, or logfmt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.run.record import LogLine, RunRecord
from pytest_resilience.chaos.workload.log_lines import facts

_LEVEL_WORDS = (
    (5, "trace"),
    (10, "debug"),
    (20, "info information notice low"),
    (30, "warning warn medium"),
    (40, "error err high exception"),
    (50, "critical crit fatal alert emergency panic"),
)
LEVELS: Mapping[str, int] = {word: number for number, words in _LEVEL_WORDS for word in words.split()}
"""Levels and severities, as the standard library's numbers."""

WARNING, ERROR = 30, 40

SAY_WHERE = 'say where the log is: logs = "stdout"'

_LEVEL_WORD = re.compile(r"\b(CRITICAL|FATAL|ERROR|EXCEPTION|WARNING|WARN|INFO|DEBUG)\b")
_LEVEL_NAMES = (
    "level",
    "severity",
    "levelname",
    "log_level",
    "log.level",
    "lvl",
    "loglevel",
    "severity_text",
)


def parse_line(text: str) -> Mapping[str, Any] | None:
    """Return the facts of a line, or none where it is free text."""
    return facts(text) or None


def record_of(line: LogLine) -> Mapping[str, Any] | None:
    """Return what a captured line says, as it was read or as it reads now."""
    return line.record if line.record is not None else parse_line(line.text)


def level_of(record: Mapping[str, Any]) -> int:
    """Return a record's level as the standard library's number; 0 where it says none."""
    return max((level_number(record[name]) for name in _LEVEL_NAMES if name in record), default=0)


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


def unread_errors(run: RunRecord) -> int:
    """Count the records of warnings and errors on standard output that are not in the log, which is read elsewhere."""
    read = {line.text for line in run.logs}
    lines = (line for process in run.processes for line in process.stdout.splitlines() if line not in read)
    return sum(level_of(parse_line(line) or {}) >= WARNING for line in lines)
