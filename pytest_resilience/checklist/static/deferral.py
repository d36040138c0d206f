"""Runs what is deferred: coroutines where they are awaited, futures where they are read, threads on their own."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.elements import ordered
from pytest_resilience.checklist.static.facts import SinkCall
from pytest_resilience.checklist.static.functions import activate, call_function, connect
from pytest_resilience.checklist.static.sinks import record
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Deferred,
    Func,
    Member,
    Partial,
    Ref,
    Value,
    Values,
    Wrapped,
    union,
)
from pytest_resilience.checklist.static.world import Act


def force(act: Act, values: Values, node: ast.AST) -> Values:
    """Run what is deferred among the alternatives; return the results and what was not deferred."""
    found = [_forced(act, v, node) if isinstance(v, Deferred) else frozenset({v}) for v in ordered(values)]
    return union(found)


def _forced(act: Act, value: Deferred, node: ast.AST) -> Values:
    act.world.forced.add(value.target)
    if isinstance(value.target, SinkCall):
        record(act, value.target, value.frames)
        return act.world.results.get(value.target, UNKNOWN)
    if not isinstance(value.target, int):
        return UNKNOWN
    connect(act, value.target, value.frames, node)
    return act.world.contexts[value.target].returned


def postpone(act: Act, value: Value, arguments: Arguments, node: ast.AST) -> Values:
    """Return the future of a function or coroutine that runs by itself from now on."""
    if isinstance(value, Deferred):
        act.world.created[value.target] = (act.context.id, (), "running", getattr(node, "lineno", 0))
        return frozenset({Deferred("running", value.target, value.frames)})
    if isinstance(value, Wrapped):
        inner = postpone(act, value.func, arguments, node)
        return frozenset(
            Deferred("running", v.target, (*v.frames, *value.frames))
            for v in inner
            if isinstance(v, Deferred)
        )
    if isinstance(value, Partial):
        return postpone(act, value.func, act.world.completed(value, arguments), node)
    if isinstance(value, Func) and value.key in act.world.functions:
        context = activate(act.world, act.world.functions[value.key], value, arguments)
        act.world.created.setdefault(context.id, (act.context.id, (), "running", getattr(node, "lineno", 0)))
        return frozenset({Deferred("running", context.id)})
    if isinstance(value, Ref | Member):
        return _library(act, value, arguments, node)
    return UNKNOWN


def _library(act: Act, value: Ref | Member, arguments: Arguments, node: ast.AST) -> Values:
    """Follow a library's function apart, so that its external call counts where the result is read."""
    known = set(act.world.sinks)
    frames, act.frames = act.frames, ()
    steps = len(act.context.steps)
    act.world.machine.call(act, value, arguments, node)
    act.frames = frames
    del act.context.steps[steps:]
    found: list[Value] = []
    for key in [key for key in act.world.sinks if key not in known]:
        del act.world.sinks[key]
        act.world.created.setdefault(key[0], (act.context.id, (), "running", getattr(node, "lineno", 0)))
        found.append(Deferred("running", key[0]))
    return frozenset(found)


def detach(act: Act, value: Value, arguments: Arguments, node: ast.AST) -> None:
    """Follow a function that runs where nobody sees what it raises."""
    if isinstance(value, Wrapped):
        for inner in postpone(act, value, arguments, node):
            if isinstance(inner, Deferred) and isinstance(inner.target, int):
                act.world.forced.add(inner.target)
                connect(act, inner.target, inner.frames, node, detached=True)
    elif isinstance(value, Partial):
        detach(act, value.func, act.world.completed(value, arguments), node)
    elif isinstance(value, Func):
        call_function(act, value, arguments, node, detached=True)
