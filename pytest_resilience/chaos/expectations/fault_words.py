"""A fault as ordered, in words: `cut on warehouse at the 3rd COMMIT (reply)`."""

from __future__ import annotations

from pytest_resilience.chaos.scenario.model import FaultOrder, When

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def fault_words(order: FaultOrder) -> str:
    """Say what is broken, where and when."""
    return f"{order.kind}{f' on {order.on}' if order.on else ''} {when_words(order.when)}"


def when_words(when: When) -> str:
    """Say when a fault acts."""
    if when.start:
        return "from the start"
    if when.after is not None:
        return f"after {when.after:g} s"
    if when.rows is not None:
        return f"after {when.rows} rows{f' of {when.table}' if when.table else ''}"
    what = when.message or when.request or f"statement like {when.sql!r}"
    connection = f" of connection {when.connection}" if when.connection else ""
    return f"at the {ordinal(when.nth)} {what}{connection} ({when.side})"


def ordinal(number: int) -> str:
    """Return `1st`, `2nd`, `11th`."""
    ending = "th" if number % 100 in {11, 12, 13} else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"
