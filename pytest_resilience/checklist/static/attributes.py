"""What an attribute may be: of modules, libraries, their objects, and objects and classes of the code."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from pytest_resilience.checklist.static.containers import AGAIN
from pytest_resilience.checklist.static.definitions import descendants, foreign_base, lineage, members
from pytest_resilience.checklist.static.functions import bind_method
from pytest_resilience.checklist.static.imports import member
from pytest_resilience.checklist.static.stores import in_namespace, uses
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Bag,
    Class,
    Const,
    Deferred,
    Func,
    Instance,
    Made,
    Member,
    ModuleValue,
    Ref,
    Seq,
    Super,
    Value,
    Values,
    Wrapped,
    union,
)
from pytest_resilience.checklist.static.world import Act

_SERVING = ("http.server.", "socketserver.")


def attribute(act: Act, owner: Value, name: str, node: ast.AST) -> Values:
    """Return what an attribute of something may be."""
    if owner == Ref("builtins.super"):
        return _super(act)
    rule = _RULES.get(type(owner))
    return rule(act, owner, name, node) if rule is not None else UNKNOWN


def _ref(act: Act, owner: Ref, name: str, _: ast.AST) -> Values:
    return act.world.held(owner, name) or frozenset({Ref(act.world.names.canonical(f"{owner.path}.{name}"))})


def _made(act: Act, owner: Made, name: str, _: ast.AST) -> Values:
    held = act.world.held(owner, name)
    known = frozenset(v for v in held if not isinstance(v, Const)) or in_namespace(act, owner, name)
    return known or frozenset({Member(owner, f"{owner.type}.{name}")})


def _member(act: Act, owner: Member, name: str, _: ast.AST) -> Values:
    """Return an attribute of an attribute, such as `cursor.connection.commit`."""
    world = act.world
    base, _dot, last = owner.path.rpartition(".")
    path = world.names.member(base, last, world.catalogue.returns)
    if path is not None and isinstance(owner.owner, Made):
        made = world.make(
            world.catalogue.returns[path], f"{owner.owner.site} .{last}", Arguments(), owner.owner
        )
        return frozenset({Member(made, f"{made.type}.{name}")})
    return frozenset({Member(owner.owner, f"{owner.path}.{name}")})


def _module(act: Act, owner: ModuleValue, name: str, _: ast.AST) -> Values:
    return member(act, owner.name, name)


def _instance(act: Act, owner: Instance, name: str, node: ast.AST) -> Values:
    held = held_by(act, owner, name)
    found = members(act, owner, name)
    if found:
        return union((held, union(_bound(act, value, owner, node) for value in found)))
    if held:
        return held
    base = foreign_base(act, owner.key)
    if base is not None:
        served = _servers(act) if name == "server" and base.startswith(_SERVING) else UNKNOWN
        return served or frozenset({Member(owner, act.world.names.canonical(f"{base}.{name}"))})
    return _by_getattr(act, owner, node)


def _servers(act: Act) -> Values:
    """Return the servers of the code, one of which has made a handler of requests."""
    found = [owner for owner in act.world.heap if isinstance(owner, Instance | Made)]
    kinds = {
        owner: foreign_base(act, owner.key) if isinstance(owner, Instance) else owner.type for owner in found
    }
    return frozenset(
        o for o, kind in kinds.items() if kind and kind.startswith(_SERVING) and "Server" in kind
    )


def _by_getattr(act: Act, owner: Instance, node: ast.AST) -> Values:
    """Follow `__getattr__`, which proxies write."""
    hooks = members(act, owner, "__getattr__")
    return union(
        act.world.machine.call(act, bind_method(act.world, h, owner), Arguments(), node) for h in hooks
    )


def held_by(act: Act, owner: Instance, name: str) -> Values:
    """Return what was assigned to an attribute; where the object is not exact, of any object of the class."""
    world = act.world
    if owner.site:
        held = world.held(owner, name)
        general = union(world.held(Instance(key), name) for key in lineage(act, owner.key))
        return union((held, general))
    keys = {owner.key, *lineage(act, owner.key), *descendants(act, owner.key)}
    return union(world.held(one, name) for key in sorted(keys) for one in world.objects.get(key, ()))


def _bound(act: Act, value: Value, receiver: Value, node: ast.AST) -> Values:
    if isinstance(value, Func) and act.world.functions[value.key].flag == "property":
        return act.world.machine.call(act, Func(value.key, value.scope, receiver), Arguments(), node)
    return frozenset({bind_method(act.world, value, receiver)})


def _class(act: Act, owner: Class, name: str, _: ast.AST) -> Values:
    held = union(act.world.held(Class(key), name) for key in lineage(act, owner.key))
    for key in lineage(act, owner.key):
        found = act.world.classes[key].env.get(name)
        if found is not None:
            return union((held, frozenset(bind_method(act.world, value, owner) for value in found)))
    if name in {"as_view", "__subclasses__"} and not held:
        return frozenset({Member(owner, name)})
    base = foreign_base(act, owner.key)
    inherited: Values = (
        frozenset({Ref(act.world.names.canonical(f"{base}.{name}"))}) if base is not None else UNKNOWN
    )
    return held or inherited


def _super(act: Act) -> Values:
    """Return what `super()` gives in the method that is followed."""
    current: Act | None = act
    while current is not None and (current.owner is None or current.receiver is None):
        current = current.outer
    if current is None or current.owner is None or current.receiver is None:
        return UNKNOWN
    return frozenset({Super(current.owner, current.receiver)})


def _of_super(act: Act, owner: Super, name: str, node: ast.AST) -> Values:
    start = owner.receiver.key if isinstance(owner.receiver, Instance | Class) else owner.key
    order = lineage(act, start)
    after = order[order.index(owner.key) + 1 :] if owner.key in order else []
    for key in after:
        found = act.world.classes[key].env.get(name)
        if found is not None:
            return union(_bound(act, value, owner.receiver, node) for value in found)
    base = foreign_base(act, owner.key)
    if base is None or not isinstance(owner.receiver, Instance):
        return UNKNOWN
    return frozenset({Member(owner.receiver, act.world.names.canonical(f"{base}.{name}"))})


def _of_builtin(_: Act, owner: Bag | Seq | Const | Deferred, name: str, __: ast.AST) -> Values:
    return frozenset({Member(owner, f"builtins.{type(owner).__name__}.{name}")})


def _wrapped(act: Act, owner: Wrapped, name: str, node: ast.AST) -> Values:
    if name in AGAIN:
        return frozenset({Member(owner, f"function.{name}")})
    return attribute(act, owner.func, name, node)


def _function(act: Act, owner: Func, name: str, __: ast.AST) -> Values:
    if name in {"command", "group"} and uses(act, "click"):  # the function has been made a group of commands
        return frozenset({Ref(f"click.Group.{name}")})
    if name == "__wrapped__":
        return frozenset({owner})
    return frozenset({Member(owner, f"function.{name}")})


_RULES: dict[type, Callable[[Act, Any, str, ast.AST], Values]] = {
    Ref: _ref,
    Made: _made,
    Member: _member,
    ModuleValue: _module,
    Instance: _instance,
    Class: _class,
    Super: _of_super,
    Bag: _of_builtin,
    Seq: _of_builtin,
    Const: _of_builtin,
    Deferred: _of_builtin,
    Wrapped: _wrapped,
    Func: _function,
}
