"""Runs the functions that a library is given: now, later, apart, or when their result is read."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.boundaries import CODE
from pytest_resilience.checklist.static.catalogue.model import Runner
from pytest_resilience.checklist.static.deferral import detach, postpone
from pytest_resilience.checklist.static.elements import elements, ordered
from pytest_resilience.checklist.static.frames import handled
from pytest_resilience.checklist.static.listed_paths import listed
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Class,
    Deferred,
    Member,
    Ref,
    Value,
    Values,
    consts,
    union,
)
from pytest_resilience.checklist.static.world import Act


def run(act: Act, path: str, arguments: Arguments, node: ast.AST) -> Values | None:
    """Run the functions and coroutines that are passed, as the runner does; none where it is no runner."""
    found = listed(act, path, act.world.catalogue.runners)
    runner = act.world.catalogue.runners[found] if found is not None else None
    if runner is None:
        callbacks(act, path, arguments, node)
        return None
    function, rest = _job(act, runner, arguments)
    if runner.runs == "now":
        return _run_now(act, runner, function, rest, arguments, node)
    if runner.runs == "later":
        return union(postpone(act, value, rest, node) for value in ordered(function))
    for value in ordered(function):
        detach(act, value, rest, node)
    return None


def _job(act: Act, runner: Runner, arguments: Arguments) -> tuple[Values, Arguments]:
    if runner.function is None:
        return union(arguments.positional), Arguments(open=True)
    position = runner.function if isinstance(runner.function, int) else None
    keyword = runner.function if isinstance(runner.function, str) else None
    function = arguments.get(position, keyword) or UNKNOWN
    if runner.arguments is not None:
        passed = arguments.keywords.get(runner.arguments, UNKNOWN)
        items = [elements(act, passed)] if passed else []
        exact = [v.items for v in passed if hasattr(v, "items")]
        return function, Arguments(tuple(exact[0]) if exact else tuple(items), {}, not exact)
    keywords = {k: v for k, v in arguments.keywords.items() if k != keyword}
    return function, Arguments(arguments.positional[(position or 0) + 1 :], keywords, arguments.open)


def _run_now(
    act: Act, runner: Runner, jobs: Values, rest: Arguments, arguments: Arguments, node: ast.AST
) -> Values:
    before = act.frames
    if runner.safe is not None and True in consts(arguments.keywords.get(runner.safe, UNKNOWN)):
        act.frames = (handled(act.source.where(node), "results"), *before)
    functions = frozenset(v for v in jobs if isinstance(v, CODE | Member | Ref | Class))
    if runner.function is None:
        data = [elements(act, part) for part in arguments.positional if not part & functions]
        rest = Arguments(tuple(data), {}, not data)
    lazy = frozenset(v for v in jobs if isinstance(v, Deferred)) | frozenset(
        v for v in elements(act, jobs - functions) if isinstance(v, Deferred)
    )
    results = union(
        act.world.machine.call(act, value, rest, node) for value in ordered(functions) if _is_job(value)
    )
    results = union((act.world.machine.force(act, results, node), act.world.machine.force(act, lazy, node)))
    act.frames = before
    return (
        results
        if runner.function is not None or len(arguments.positional) == 1
        else act.world.bag(act.source.site(node), results)
    )


def _is_job(value: Value) -> bool:
    return not (isinstance(value, Ref) and value.path.startswith("builtins."))


_INERT = {"builtins", "inspect", "typing", "logging", "warnings", "copy", "types", "operator", "weakref"}


_IN_PLACE = {
    "apply",
    "map",
    "sort",
    "filter",
    "agg",
    "pipe",
    "applymap",
    "transform",
    "reduce",
    "assign",
    "key",
}


def callbacks(act: Act, path: str, arguments: Arguments, node: ast.AST) -> None:
    """Follow what a callee of which nothing is known is given: functions for data run in place, others apart."""
    name = path.rpartition(".")[2]
    is_inert = isinstance(node, ast.expr) and path.partition(".")[0] in _INERT
    for part in () if is_inert else arguments.all():
        for value in ordered(part):
            if isinstance(value, Deferred) and value.kind == "lazy":
                act.world.machine.force(act, frozenset({value}), node)
            elif isinstance(value, CODE) and name in _IN_PLACE:
                act.world.machine.call(act, value, Arguments(open=True), node)
            elif isinstance(value, CODE):
                detach(act, value, Arguments(open=True), node)
