"""What collections hold, in an order that is the same in every run."""

from __future__ import annotations

from typing import Any

from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Bag,
    Deferred,
    Seq,
    Values,
    union,
)
from pytest_resilience.checklist.static.world import Act


def shallow(values: Values) -> Values:
    """Cut tuples within tuples within tuples, which could grow without end."""
    return frozenset(v for v in values if not _is_deep(v, 2))


def _is_deep(value: Any, left: int) -> bool:
    if not isinstance(value, Seq):
        return False
    return left == 0 or any(_is_deep(inner, left - 1) for item in value.items for inner in item)


def elements(act: Act, values: Values) -> Values:
    """Return what iterating over the alternatives gives, running generators on the way."""
    found = [act.world.held(value, "*") for value in values if isinstance(value, Bag)]
    found += [item for value in values if isinstance(value, Seq) for item in value.items]
    lazy = frozenset(v for v in values if isinstance(v, Deferred) and v.kind != "running")
    return union([*found, _yielded(act, lazy)])


def _yielded(act: Act, lazy: Values) -> Values:
    if not lazy:
        return UNKNOWN
    act.world.machine.force(act, lazy, act.node or act.source.tree)
    contexts = [v.target for v in lazy if isinstance(v, Deferred) and isinstance(v.target, int)]
    return union(act.world.contexts[number].yielded for number in contexts)


def ordered(values: Values) -> list[Any]:
    """Return alternatives in an order that is the same in every run."""
    return sorted(values, key=repr) if len(values) > 1 else list(values)
