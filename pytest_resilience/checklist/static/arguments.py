"""What a call passes."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.elements import elements, shallow
from pytest_resilience.checklist.static.values import (
    Arguments,
    Bag,
    Seq,
    Values,
)
from pytest_resilience.checklist.static.world import Act


def passed(act: Act, node: ast.Call) -> Arguments:
    """Return what a call passes."""
    positional: list[Values] = []
    keywords: dict[str, Values] = {}
    is_open = False
    for part in node.args:
        if isinstance(part, ast.Starred):
            values = act.value(part.value)
            exact = [v for v in values if isinstance(v, Seq)]
            positional += exact[0].items if len(exact) == 1 else [e for e in [elements(act, values)] if e]
            is_open = is_open or len(exact) != 1
        else:
            positional.append(shallow(act.value(part)))
    for keyword in node.keywords:
        if keyword.arg is not None:
            keywords[keyword.arg] = shallow(act.value(keyword.value))
        else:
            is_open = not _spread(act, keyword.value, keywords) or is_open
    return Arguments(tuple(positional), keywords, is_open)


def _spread(act: Act, node: ast.expr, keywords: dict[str, Values]) -> bool:
    """Add what `**options` passes; return whether that is all."""
    bags = [v for v in act.value(node) if isinstance(v, Bag)]
    for name, values in (entry for bag in bags for entry in act.world.heap.get(bag, {}).items()):
        if name.startswith("["):
            keywords.setdefault(name[1:-1], values)
    return bool(bags) and all(not act.world.held(bag, "open") for bag in bags)
