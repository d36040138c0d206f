"""Enters `with` blocks: what they give, what they guard, and whether a transaction begins."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from pytest_resilience.checklist.static.definitions import foreign_base, members
from pytest_resilience.checklist.static.elements import ordered
from pytest_resilience.checklist.static.frames import Frame, handled
from pytest_resilience.checklist.static.handlers import inside
from pytest_resilience.checklist.static.library_guards import frames_for, guards_for, settings_of
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Const,
    Deferred,
    Func,
    Instance,
    Made,
    Value,
    Values,
    Wrapped,
    union,
)
from pytest_resilience.checklist.static.world import Act

_DECORATORS = {"contextlib.ContextDecorator", "contextlib.AsyncContextDecorator"}


@dataclass(slots=True)
class Entered:
    """What a block is."""

    values: Values = UNKNOWN
    frames: tuple[Frame, ...] = ()
    begins: int = 0
    leave: Callable[[], None] = lambda: None


def enter(act: Act, values: Values, node: ast.AST) -> Entered:
    """Enter a block with any of some objects; guards count only if all of them have them."""
    entered = [_one(act, value, node) for value in ordered(values) if not isinstance(value, Const)]
    if not entered:
        return Entered()
    shared = entered[0].frames if len(entered) == 1 else ()
    if len(entered) > 1:
        shared = min((one.frames for one in entered), key=len)

    def leave() -> None:
        for one in entered:
            one.leave()

    return Entered(union(one.values for one in entered), shared, max(one.begins for one in entered), leave)


def _one(act: Act, value: Value, node: ast.AST) -> Entered:
    if isinstance(value, Deferred):
        return _deferred(act, value, node)
    if isinstance(value, Made):
        return _library(act, value)
    if isinstance(value, Instance):
        return _own(act, value, node)
    return Entered(frozenset({value}))


def _deferred(act: Act, value: Deferred, node: ast.AST) -> Entered:
    results = act.world.machine.force(act, frozenset({value}), node)
    if isinstance(value.target, int):
        context = act.world.contexts[value.target]
        return Entered(context.yielded, (*context.around_yield, *value.frames))
    return enter(act, results, node)


def _library(act: Act, value: Made) -> Entered:
    world = act.world
    where = ":".join(value.site.split(":")[:2])
    frames = frames_for(act, guards_for(act, value.type, "blocks"), settings_of(act, value), where)
    path = world.names.member(value.type, "__enter__", world.catalogue.returns)
    given: Values = frozenset({value})
    if path is not None and world.catalogue.returns[path] != value.type:
        given = frozenset({world.make(world.catalogue.returns[path], value.site, Arguments(), value)})
    begins = value.type.rpartition(".")[2] in {
        "transaction",
        "Transaction",
        "SessionTransaction",
        "begin",
        "connection",
    }
    begun = begins or _is_connection(act, value) or world.held(value, "begins") != UNKNOWN
    return Entered(given, frames, int(begun))


def _is_connection(act: Act, value: Made) -> bool:
    return value.type == "psycopg2.extensions.connection" and not act.world.held(value, "autocommit")


def _own(act: Act, value: Instance, node: ast.AST) -> Entered:
    given = union(_method(act, value, name, (), node) for name in ("__enter__", "__aenter__"))
    frames = _around(act, value)
    base = foreign_base(act, value.key)
    if base is not None and not given:
        given = frozenset({value})

    def leave() -> None:
        for name in ("__exit__", "__aexit__"):
            _method(act, value, name, (UNKNOWN, UNKNOWN, UNKNOWN), node)

    return Entered(given, frames, 0, leave)


def _method(act: Act, value: Instance, name: str, passed: tuple[Values, ...], node: ast.AST) -> Values:
    if not members(act, value, name):
        return UNKNOWN
    found = act.world.machine.attribute(act, value, name, node)
    results = union(act.world.machine.call(act, one, Arguments(passed), node) for one in found)
    return act.world.machine.force(act, results, node)


def _around(act: Act, value: Instance) -> tuple[Frame, ...]:
    """Return what the leaving of an own block does with errors: hide them, or raise another instead."""
    for name in ("__exit__", "__aexit__"):
        for method in members(act, value, name):
            definition = act.world.functions.get(method.key) if isinstance(method, Func) else None
            body = definition.node.body if definition is not None else []
            if definition is not None and isinstance(body, list) and _stops_errors(body):
                return (handled(definition.source.where(definition.node)),)
    return ()


def _stops_errors(body: list[ast.stmt]) -> bool:
    for node in inside(body):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and node.value.value is True:
            return True
        if isinstance(node, ast.Raise) and node.exc is not None and node.cause is not None:
            return True
    return False


def is_decorator(act: Act, value: Value) -> bool:
    """Return whether a context manager may be called with the function that is to run within it."""
    if isinstance(value, Instance):
        return (foreign_base(act, value.key) or "") in _DECORATORS
    return isinstance(value, Deferred) and value.kind == "context"


def as_decorator(act: Act, value: Value, functions: Values, node: ast.AST) -> Values:
    """Return functions that run within a block, as `contextlib.ContextDecorator` makes them."""
    entered = enter(act, frozenset({value}), node)
    entered.leave()
    return frozenset(Wrapped(function, entered.frames) for function in functions)
