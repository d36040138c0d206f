"""A trigger as the engine takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.chaos.trigger import trigger


def engine_when(when: When) -> dict[str, Any]:
    """Return the engine's form of a trigger at a message."""
    if when.start:
        return {"start": True}
    if when.after is not None:
        return {"after": when.after}
    return trigger(
        {"rows": when.rows, "message": when.message, "sql": when.sql, "request": when.request},
        {"table": when.table, "side": when.side, "nth": when.nth, "connection": when.connection},
    )


def engine_order(order: FaultOrder, kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the engine's form of a fault at a message.

    With a duration it strikes every match until it heals; else as many as `times` says, one by default.
    """
    times = None if order.seconds is not None else order.times or 1
    return {
        "kind": kind,
        "attributes": dict(attributes),
        "when": engine_when(order.when),
        "times": times,
    }
