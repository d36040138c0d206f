"""Facts of a log line: JSON objects and logfmt are read, anything else is text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.run.record import LogLine

_MESSAGES = ("message", "msg", "event", "error", "detail")
"""Where loggers put what a line says."""

_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)')


def parse(text: str, *, at: float) -> LogLine:
    """Return a line with its facts, where it has any."""
    return LogLine(at=at, text=text, record=facts(text))


def last_said(output: str) -> str:
    """Return what the last line says that is not empty: of a record its message, of anything else the line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if not lines:
        return ""
    record = facts(lines[-1]) or {}
    return next((text for name in _MESSAGES if isinstance(text := record.get(name), str) and text), lines[-1])


def facts(text: str) -> Mapping[str, Any] | None:
    """Return the facts of a line that is a JSON object, or nothing but two or more `key=value` pairs."""
    stripped = text.strip()
    if stripped.startswith("{"):
        return _json(stripped)
    return _logfmt(stripped)


def _json(text: str) -> Mapping[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _logfmt(text: str) -> Mapping[str, Any] | None:
    record: dict[str, Any] = {}
    end = 0
    for pair in _PAIR.finditer(text):
        if pair.start() != end:
            return None
        record[pair[1]] = _unquoted(pair[2])
        end = pair.end()
    return record if end == len(text) and len(record) >= 2 else None


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]
