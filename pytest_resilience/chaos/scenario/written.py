"""Values as they are written in scenario files: plain where that is safe, in quotes where it is not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.scenario.core_schema import plain_value
from pytest_resilience.chaos.units import seconds

_PLAIN = re.compile(r"[A-Za-z_/](?:[A-Za-z0-9 _./-]*[A-Za-z0-9_./-])?")
_DURATION = re.compile(r"-?[0-9]+(\.[0-9]+)?(ms|s|m|h)")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_UNITS = (("h", 3_600), ("m", 60), ("s", 1))


def flow(value: Any) -> str:
    """Return a value in one line: a mapping in braces, a list in brackets."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """Return one value as it reads back equal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    is_plain = _PLAIN.fullmatch(text) or _DURATION.fullmatch(text)
    return text if is_plain and plain_value(text) == text else _quoted(text)


def span(duration: float) -> str | float:
    """Return a duration as people write it, or as the number where no such text is exactly it."""
    for unit, size in _UNITS:
        if duration and duration % size == 0:
            return f"{int(duration // size)}{unit}"
    text = f"{duration * 1_000:.12g}ms"
    return (
        text if re.fullmatch(r"-?[\d.]+ms", text) and seconds(text, negative=True) == duration else duration
    )


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character == " " or character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
