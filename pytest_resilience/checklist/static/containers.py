"""Follows methods of lists, dictionaries and futures, as far as they move functions and clients about."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.deferral import detach, force
from pytest_resilience.checklist.static.frames import handled
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Bag,
    Const,
    Deferred,
    Func,
    Seq,
    Value,
    Values,
    Wrapped,
    consts,
    union,
)
from pytest_resilience.checklist.static.world import Act

AGAIN = {"retry_with", "with_options", "options"}
"""Methods that a decorator gives a function, which return it with other settings."""


def collection_call(act: Act, owner: Value, name: str, arguments: Arguments, node: ast.AST) -> Values:
    """Return what a method of a built-in object gives."""
    if isinstance(owner, Bag):
        return _of_bag(act, owner, name, arguments, node)
    if isinstance(owner, Deferred):
        return _of_future(act, owner, name, arguments, node)
    if isinstance(owner, Const) and isinstance(owner.value, str):
        return frozenset({owner}) if name in {"format", "strip", "lower", "upper", "replace"} else UNKNOWN
    if isinstance(owner, Func | Wrapped) and name in AGAIN:
        return frozenset({owner})
    return UNKNOWN


def _of_bag(act: Act, owner: Bag, name: str, arguments: Arguments, node: ast.AST) -> Values:
    world = act.world
    if name in {"append", "add", "appendleft", "put", "put_nowait", "push"}:
        world.join(owner, "*", union(arguments.positional))
    elif name in {"extend", "update"}:
        world.join(owner, "*", world.elements(union(arguments.positional)))
    elif name in {"pop", "popleft", "get", "get_nowait", "setdefault", "popitem"}:
        named = [world.held(owner, f"[{c}]") for c in consts(arguments.get(0, None) or UNKNOWN)]
        found = named if any(named) else [world.held(owner, "values") or world.held(owner, "*")]
        return union([*found, arguments.get(1, None) or UNKNOWN])
    elif name == "values":
        return world.bag(act.source.site(node), world.held(owner, "values"))
    elif name == "items":
        pair = Seq((world.held(owner, "*"), world.held(owner, "values")))
        return world.bag(act.source.site(node), frozenset({pair}))
    elif name in {"keys", "copy"}:
        return frozenset({owner})
    return UNKNOWN


def _of_future(act: Act, owner: Deferred, name: str, arguments: Arguments, node: ast.AST) -> Values:
    reads = act.world.catalogue.reads.get(name)
    if reads is True:
        return force(act, frozenset({owner}), node)
    if reads is False:
        frames = act.frames
        act.frames = (handled(act.source.where(node), "results"), *frames)
        force(act, frozenset({owner}), node)
        act.frames = frames
    if name == "add_done_callback":
        for part in arguments.positional:
            for value in part:
                detach(act, value, Arguments(open=True), node)
    return UNKNOWN
