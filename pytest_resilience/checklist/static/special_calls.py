"""Follows the calls of Python's own library that need a rule each."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.blocks import enter
from pytest_resilience.checklist.static.elements import elements, ordered
from pytest_resilience.checklist.static.stores import pass_object
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Class,
    Instance,
    Partial,
    Seq,
    Values,
    consts,
    union,
)
from pytest_resilience.checklist.static.world import Act


def _partial(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    if not arguments.positional:
        return UNKNOWN
    site = act.source.site(node)
    found = [Partial(value, site) for value in arguments.positional[0]]
    for one in found:
        act.world.remember(one, arguments.after(1))
    return frozenset(found)


def _getattr(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    names = [c for c in consts(arguments.get(1, None) or UNKNOWN) if isinstance(c, str)]
    owners = ordered(arguments.get(0, None) or UNKNOWN)
    found = [act.world.machine.attribute(act, owner, name, node) for owner in owners for name in names]
    return union([*found, arguments.get(2, None) or UNKNOWN])


def _setattr(act: Act, arguments: Arguments, _: ast.AST) -> Values:
    for owner in arguments.get(0, None) or UNKNOWN:
        for name in consts(arguments.get(1, None) or UNKNOWN):
            act.world.join(owner, str(name), arguments.get(2, None) or UNKNOWN)
    return UNKNOWN


def _dict(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    bag = act.world.bag(act.source.site(node), UNKNOWN)
    for name, values in arguments.keywords.items():
        for one in bag:
            act.world.join(one, f"[{name}]", values)
            act.world.join(one, "values", values)
    return bag


def _pairs(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    parts = tuple(elements(act, part) for part in arguments.positional)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "enumerate":
        parts = (UNKNOWN, *parts[:1])
    return act.world.bag(act.source.site(node), frozenset({Seq(parts)}))


def _first(_: Act, arguments: Arguments, __: ast.AST) -> Values:
    return arguments.get(0, "wrapper") or UNKNOWN


def _inert(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    return frozenset({act.world.make("functools.wraps", act.source.site(node), arguments)})


def _enter_context(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    """Enter a block that lasts until the one around it is left."""
    entered = enter(act, arguments.get(0, "cm") or UNKNOWN, node)
    act.frames = (*entered.frames, *act.frames)
    return entered.values


def _field(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    """Return what a field of a record holds by default."""
    makers = arguments.get(None, "default_factory") or UNKNOWN
    made = union(act.world.machine.call(act, maker, Arguments(), node) for maker in ordered(makers))
    return union((made, arguments.get(0, "default") or UNKNOWN))


def _type(_: Act, arguments: Arguments, __: ast.AST) -> Values:
    return frozenset(
        Class(v.key) for part in arguments.positional[:1] for v in part if isinstance(v, Instance)
    )


SPECIAL = {
    "functools.partial": _partial,
    "functools.partialmethod": _partial,
    "builtins.getattr": _getattr,
    "builtins.setattr": _setattr,
    "builtins.dict": _dict,
    "builtins.zip": _pairs,
    "builtins.enumerate": _pairs,
    "builtins.type": _type,
    "functools.update_wrapper": _first,
    "functools.wraps": _inert,
    "contextlib.ExitStack.enter_context": _enter_context,
    "contextlib.AsyncExitStack.enter_context": _enter_context,
    "contextlib.AsyncExitStack.enter_async_context": _enter_context,
    "dataclasses.field": _field,
    "pydantic.Field": _field,
    "click.pass_obj": pass_object,
}
