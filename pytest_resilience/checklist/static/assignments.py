"""Gives names, attributes and elements their values."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.elements import elements
from pytest_resilience.checklist.static.stores import keep, store_of, targets_of
from pytest_resilience.checklist.static.values import (
    Bag,
    Seq,
    Values,
    consts,
    union,
)
from pytest_resilience.checklist.static.world import Act


def assign(act: Act, target: ast.expr, values: Values) -> None:
    """Give a target a value: a name, an attribute, an element, or several at once."""
    if isinstance(target, ast.Name):
        act.bind(target.id, values)
    elif isinstance(target, ast.Attribute):
        for owner in targets_of(act, target, act.value(target.value)):
            act.world.join(owner, target.attr, values)
    elif isinstance(target, ast.Subscript):
        _assign_element(act, target, values)
    elif isinstance(target, ast.Starred):
        bag = Bag(act.source.site(target))
        act.world.join(bag, "*", values)
        assign(act, target.value, frozenset({bag}))
    elif isinstance(target, ast.Tuple | ast.List):
        for index, part in enumerate(target.elts):
            assign(act, part, _part(act, values, index))


def _assign_element(act: Act, target: ast.Subscript, values: Values) -> None:
    keys = act.value(target.slice)
    for owner in store_of(act, target.value, act.value(target.value)):
        keep(act, owner, keys, values)
        if isinstance(owner, Bag):
            act.world.join(owner, "values", values)
            act.world.join(owner, "*", keys)
            for key in consts(keys):
                act.world.join(owner, f"[{key}]", values)


def _part(act: Act, values: Values, index: int) -> Values:
    exact = [v.items[index] for v in values if isinstance(v, Seq) and index < len(v.items)]
    rest = frozenset(v for v in values if not isinstance(v, Seq))
    return union([*exact, elements(act, rest)])
