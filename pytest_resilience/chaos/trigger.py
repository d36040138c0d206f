"""Triggers: what has to pass on the wire for a fault to act, as the engine takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

Side: TypeAlias = Literal["request", "reply"]
SIDES = ("request", "reply")


def trigger(one_of: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return the engine's form of a trigger.

    Args:
        one_of: the triggers, of which exactly one is given.
        beside: what narrows it; what is none does not.

    Raises:
        TypeError: none or several triggers are given.
        ValueError: a value means nothing.
    """
    __tracebackhide__ = True
    given = {name: value for name, value in one_of.items() if value is not None}
    if len(given) != 1:
        raise TypeError(f"give exactly one of {', '.join(one_of)}; got {', '.join(given) or 'none'}")
    if beside["side"] not in SIDES:
        raise ValueError(f"side is {beside['side']!r}: it is one of {', '.join(SIDES)}")
    for name in ("nth", "connection"):
        number = beside[name]
        if number is not None and (not isinstance(number, int) or number < 1):
            raise ValueError(f"{name} is {number!r}: it counts from 1")
    narrowed = {name: value for name, value in beside.items() if value is not None}
    if "rows" in given:  # the engine counts rows on whichever side they can be seen
        del narrowed["side"], narrowed["nth"]
    return given | narrowed
