"""Facts of a log line: JSON objects and logfmt are read, anything else is text."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.run.record import LogLine

_MESSAGES = ("message", "msg", "event", "error", "detail")
"""Where loggers put what a line says."""

_KEY = r"[A-Za-z_@][\w.@/-]*"
_IN_BRACKETS = r"[\w.]*(?:\[[^\]]*\]|\{[^}]*\}|\([^)]*\)|<[^>]*>)"
_VALUE = rf"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|{_IN_BRACKETS})(?=\s|$)|[^\s"]*"""
_PAIR = re.compile(rf"({_KEY})=({_VALUE})(?:\s+|$)")
_FLAG = re.compile(rf"({_KEY})(?:\s+|$)")
"""Logfmt's short form of `key=true`."""


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
    """Read pairs, and between two of them a flag: more words in a row are a sentence, and so is one that begins."""
    record: dict[str, Any] = {}
    end = pairs = 0
    may_be_flag = False
    while end < len(text):
        pair = _PAIR.match(text, end)
        found = pair or (_FLAG.match(text, end) if may_be_flag else None)
        if found is None:
            return None
        record[found[1]] = True if pair is None else _unquoted(pair[2])
        end, pairs, may_be_flag = found.end(), pairs + (pair is not None), pair is not None
    return record if pairs >= 2 else None


def _unquoted(value: str) -> str:
    if value[:1] not in {'"', "'"} or value[:1] != value[-1:] or len(value) < 2:
        return value
    try:
        return str(json.loads(value) if value[0] == '"' else literal_eval(value))
    except (ValueError, SyntaxError):
        return value[1:-1]
