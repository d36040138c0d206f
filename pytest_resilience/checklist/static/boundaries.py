"""Notes where frameworks enter the code: the functions that they are given."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.catalogue.model import Boundary
from pytest_resilience.checklist.static.deferral import postpone
from pytest_resilience.checklist.static.elements import ordered
from pytest_resilience.checklist.static.facts import Root
from pytest_resilience.checklist.static.handlers import names_of
from pytest_resilience.checklist.static.library_guards import (
    settings_of,
)
from pytest_resilience.checklist.static.listed_paths import listed
from pytest_resilience.checklist.static.values import (
    Arguments,
    Deferred,
    Func,
    Instance,
    Partial,
    Value,
    Values,
    Wrapped,
)
from pytest_resilience.checklist.static.world import Act

REPLACED = "framework.task"
"""The type of what a framework makes of a function, where calling it does not run the function."""


CODE = Func | Wrapped | Partial


def functions_in(arguments: Arguments) -> list[Values]:
    """Return the arguments that are functions of the code."""
    return [part for part in arguments.all() if any(isinstance(v, CODE) for v in part)]


def register(
    act: Act, path: str, owner: Value | None, arguments: Arguments, node: ast.AST
) -> Boundary | None:
    """Note the functions that a framework will call, and the errors that it has a handler for."""
    found: Boundary | None = None
    plain = path.removesuffix(".__call__")
    for boundary in _boundaries(act, plain):
        if listed(act, plain, dict.fromkeys(boundary.handlers)) is not None:
            given = settings_of(act, owner) if path != plain else arguments
            names = [name for part in given.positional for name in names_of(act, part)]
            act.world.answered[boundary.framework].update(names)
        elif listed(act, plain, dict.fromkeys(boundary.calls)) is None:
            continue
        found = boundary
        for part in functions_in(arguments):
            for function in ordered(part):
                enter_from(act, function, boundary, node)
        for one in arguments.all() if boundary.methods else ():
            _enter_object(act, one, boundary, node)
    return found


def _enter_object(act: Act, values: Values, boundary: Boundary, node: ast.AST) -> None:
    """Make entry points of the methods that a framework calls on the objects it is given."""
    for owner in ordered(frozenset(v for v in values if isinstance(v, Instance))):
        for method in boundary.methods:
            for function in ordered(act.world.machine.attribute(act, owner, method, node)):
                enter_from(act, function, boundary, node)


def _boundaries(act: Act, path: str) -> list[Boundary]:
    """Return the boundaries that a path may belong to."""
    table: dict[str, list[Boundary]] = act.world.kept.get("boundaries", {})
    if not table:
        for boundary in act.world.catalogue.boundaries:
            for name in (*boundary.calls, *boundary.handlers):
                table.setdefault(name, []).append(boundary)
        act.world.kept["boundaries"] = table
    known = listed(act, path, table)
    return table[known] if known is not None else []


def enter_from(act: Act, function: Value, boundary: Boundary, node: ast.AST) -> None:
    """Make a function an entry point of a framework."""
    if not isinstance(function, CODE):
        return
    for deferred in postpone(act, function, Arguments(open=True), node):
        if isinstance(deferred, Deferred) and isinstance(deferred.target, int):
            act.world.forced.add(deferred.target)
            label = f"{boundary.framework}: {act.world.contexts[deferred.target].label}"
            act.world.roots[deferred.target] = Root(
                label, boundary.framework, boundary.guards, is_declared=not boundary.framework
            )
            act.world.root_frames[deferred.target] = deferred.frames
