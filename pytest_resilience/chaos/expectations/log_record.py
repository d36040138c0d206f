"""A log record's facts, under the names that logging libraries give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.errors import HarnessError

_WORDS = {
    5: "trace",
    10: "debug verbose",
    20: "info information low",
    25: "notice",
    30: "warning warn medium",
    40: "error err high severe",
    50: "critical crit fatal alert emergency emerg panic",
}
LEVELS: Mapping[str, int] = {word: number for number, words in _WORDS.items() for word in words.split()}
"""Words for a level, ours for severity among them, on the scale of Python's logging."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("timestamp", "ts", "time", "@timestamp", "asctime", "datetime"),
    "level": ("level", "severity", "levelname", "log.level", "log_level", "severity_text", "lvl", "loglevel"),
    "event": ("event", "message", "msg", "body"),
}
"""Names for the same fact; a scenario may ask for any of them."""

_SYSLOG = {0: 50, 1: 50, 2: 50, 3: 40, 4: 30, 5: 25, 6: 20, 7: 10}
DEEPEST = 5
"""Mappings inside one another that are looked into."""
_ABSENT = object()


def level_number(word: str) -> int:
    """Return the place of a level on the scale, as a scenario names it.

    Raises:
        HarnessError: there is no such level.
    """
    try:
        return LEVELS[word.strip().lower()]
    except KeyError:
        known = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        raise HarnessError(f"log level {word!r} is not known; {nearest(word.upper(), known)}") from None


def level_of(record: Mapping[str, Any]) -> int | None:
    """Return a record's level, or none where it says none.

    Numbers are read as their library means them: `levelno` as Python's, up to 7 as syslog's, else as bunyan's and
    pino's (30 info, 40 warning, 50 error).
    """
    names = ALIASES["level"]
    at_top = [record[name] for name in names if name in record]
    for value in (*at_top, *(_value(record, name) for name in names)):
        number = _level(value)
        if number is not None:
            return number
    python = _value(record, "levelno")
    return int(python) if _is_number(python) else None


def _level(value: Any) -> int | None:
    if isinstance(value, Mapping):  # loguru: {"name": "ERROR", "no": 40}
        return _level(value.get("name"))
    if isinstance(value, str) and not value.strip().isdecimal():
        return LEVELS.get(value.strip().lower())
    if not _is_number(value):
        return None
    number = int(value)
    return _SYSLOG[number] if 0 <= number <= 7 else number - 10


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().isdecimal()
    return isinstance(value, int) and not isinstance(value, bool)


def has_fact(record: Mapping[str, Any], name: str) -> bool:
    """Tell whether a record carries a fact, by this name or another for the same; null and "" do not count.

    Args:
        record: the parsed line.
        name: a key at any depth, or a path with dots (`error.type`).
    """
    names = next((group for group in ALIASES.values() if name in group), (name,))
    return any(_value(record, each) not in (_ABSENT, None, "") for each in names)


def _value(record: Mapping[str, Any], name: str) -> Any:
    """Return what stands under a key, by its path, or at any depth, nearest to the top."""
    if name in record:
        return record[name]
    found = _along(record, name.split("."))
    return found if found is not _ABSENT else _below(record, name)


def _along(record: Any, path: list[str]) -> Any:
    for step in path:
        if not isinstance(record, Mapping) or step not in record:
            return _ABSENT
        record = record[step]
    return record


def _below(record: Mapping[str, Any], name: str) -> Any:
    layer: list[Mapping[str, Any]] = [record]
    for _ in range(DEEPEST):
        layer = [value for each in layer for value in each.values() if isinstance(value, Mapping)]
        for each in layer:
            found = _along(each, name.split("."))
            if found is not _ABSENT:
                return found
    return _ABSENT


def resolution(record: Mapping[str, Any] | None) -> float:
    """Return how many seconds a record's own timestamp may lie before the moment that it means.

    Whoever writes whole seconds cuts the rest off.
    """
    text = next(
        (str(value) for name in ALIASES["timestamp"] if (value := _value(record or {}, name)) is not _ABSENT),
        "",
    )
    clock = re.search(r":\d\d(?:[.,](\d+))?(?!.*:\d\d[.,])", text) if ":" in text else None
    number = re.fullmatch(r"\d+(?:\.(\d+))?", text)
    found = clock or number
    if found is None:
        return 0.0
    digits = found[1] or ""
    whole = number is not None and len(text.partition(".")[0]) > 11  # milliseconds since the epoch
    return 0.001 if whole else float(10 ** -len(digits))
