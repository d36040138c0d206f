"""Triggers: what has to pass on the wire for a fault to act, as the engine takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

Side: TypeAlias = Literal["request", "reply"]
SIDES = ("request", "reply")

_WITH_MESSAGES = ("message", "sql", "request")
BESIDE: Mapping[str, tuple[str, ...]] = {
    "table": ("rows",),
    "side": _WITH_MESSAGES,
    "nth": _WITH_MESSAGES,
    "connection": _WITH_MESSAGES,
}
"""What narrows a trigger, and with which it means something."""

_USUAL: Mapping[str, Any] = {"side": "request", "nth": 1}


def trigger(
    one_of: Mapping[str, Any], beside: Mapping[str, Any], *, times: int | None = None
) -> dict[str, Any]:
    """Return the engine's form of a trigger.

    Args:
        one_of: the triggers, of which exactly one is given.
        beside: what narrows it; what is none does not.
        times: how many matches are hit; none is every one.

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
    _check(given, beside, times)
    narrowed = {name: value for name, value in beside.items() if value is not None}
    for name, triggers in BESIDE.items():
        is_usual = narrowed.get(name, _USUAL.get(name)) == _USUAL.get(name)
        if not is_usual and given.keys().isdisjoint(triggers):
            raise ValueError(f"{name} means nothing beside {', '.join(given)}: leave it out")
    if "rows" in given:  # the engine counts rows on whichever side they can be seen
        del narrowed["side"], narrowed["nth"]
    return given | narrowed


def _check(given: Mapping[str, Any], beside: Mapping[str, Any], times: int | None) -> None:
    """See that numbers are some and texts are some, where they are written and not where the block begins."""
    __tracebackhide__ = True
    numbers = {"times": times, "nth": beside["nth"], "connection": beside["connection"]}
    for name, number in numbers.items():
        if number is not None and not _is_whole(number, 1):
            raise ValueError(f"{name} is {number!r}: it counts from 1")
    if "rows" in given and not _is_whole(given["rows"], 0):
        raise ValueError(f"rows is {given['rows']!r}: it is a whole number, from 0")
    for name, text in {**given, "table": beside.get("table")}.items():
        if name != "rows" and text is not None and not (isinstance(text, str) and text):
            raise ValueError(f"{name} is {text!r}: it is a text, and not empty")


def _is_whole(number: object, least: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= least
