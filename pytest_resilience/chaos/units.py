"""Durations as people write them: seconds as numbers, or `300ms`, `2s`, `1m`, `1h`."""

from __future__ import annotations

import math
import re
from typing import TypeAlias

Duration: TypeAlias = float | str
"""Seconds, or a text such as `300ms`."""

_TEXT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*")
_PER_UNIT = {"ms": (1, 1_000), "s": (1, 1), "m": (60, 1), "h": (3_600, 1)}
"""Multiplied, then divided: 700 * 0.001 is not 0.7."""


def seconds(
    duration: Duration, *, name: str = "duration", negative: bool = False, zero: bool = True
) -> float:
    """Return a duration in seconds.

    Args:
        duration: what was written.
        name: what the message calls it.
        negative: allow a duration below 0 (a clock may jump back).
        zero: allow 0; a fault that lasts no time is none.

    Raises:
        ValueError: it is no duration, or is negative or 0 where that means nothing.
    """
    value = _parsed(duration, name)
    if not math.isfinite(value):
        raise ValueError(f"{name} is {duration!r}: it has no end")
    if value < 0 and not negative:
        raise ValueError(f"{name} is {duration!r}: it cannot be negative")
    if value == 0 and not zero:
        raise ValueError(f"{name} is {duration!r}: it has to be more than nothing")
    return value


def _parsed(duration: Duration, name: str) -> float:
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        return float(duration)
    matched = _TEXT.fullmatch(duration) if isinstance(duration, str) else None
    if matched is None:
        raise ValueError(f"{name} is {duration!r}: write seconds as a number, or 300ms, 2s, 1m, 1h")
    times, parts = _PER_UNIT[matched[2]]
    return float(matched[1]) * times / parts
