"""Arguments that make no sense, refused at once with their name and value."""

from __future__ import annotations

import math


def seconds(name: str, value: float, *, finite: bool = True, zero: bool = True) -> float:
    """Return a duration: a number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, got {value!r}")
    if not value >= 0 or (finite and math.isinf(value)):
        raise ValueError(f"{name} must be 0 or more seconds, got {value!r}")
    if not (value or zero):
        raise ValueError(f"{name} must be more than 0 seconds, got {value!r}")
    return value


def whole_number(name: str, value: int, *, least: int) -> int:
    """Return a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, got {value!r}")
    return value


def fraction(name: str, value: float) -> float:
    """Return a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number from 0 to 1, got {value!r}")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be from 0 to 1, such as 0.9 for 90 %, got {value!r}")
    return value


def exception_classes(name: str, value: object) -> tuple[type[BaseException], ...]:
    """Return one exception class, or several, as a tuple."""
    classes = tuple(value) if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    for one in classes:
        if not (isinstance(one, type) and issubclass(one, BaseException)):
            raise TypeError(f"{name} must be exception classes, got {one!r}")
    return classes
