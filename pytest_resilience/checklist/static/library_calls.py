"""Follows calls of libraries: external calls, guards, frameworks, runners of functions, and what they return."""

from __future__ import annotations

import ast
from collections.abc import Container

from pytest_resilience.checklist.static.blocks import enter
from pytest_resilience.checklist.static.catalogue.model import Boundary, Runner
from pytest_resilience.checklist.static.containers import collection_call
from pytest_resilience.checklist.static.deferral import detach, postpone
from pytest_resilience.checklist.static.expressions import elements, ordered
from pytest_resilience.checklist.static.frames import Frame, handled
from pytest_resilience.checklist.static.handlers import names_of
from pytest_resilience.checklist.static.library_guards import (
    frames_for,
    guards_for,
    library_part,
    settings_of,
)
from pytest_resilience.checklist.static.sinks import external_call
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Class,
    Const,
    Deferred,
    Func,
    Instance,
    Made,
    Member,
    Partial,
    Ref,
    Seq,
    Value,
    Values,
    Wrapped,
    consts,
    union,
)
from pytest_resilience.checklist.static.world import Act, Root

REPLACED = "framework.task"
"""The type of what a framework makes of a function, where calling it does not run the function."""
_CODE = Func | Wrapped | Partial


def call_library(act: Act, callee: Ref | Member | Made, arguments: Arguments, node: ast.AST) -> Values:
    """Follow a call of something that a library defines; return what it may give."""
    owner, path = _who(callee)
    if not isinstance(owner, Made | Instance) and owner is not None:
        return collection_call(act, owner, path.rpartition(".")[2], arguments, node)
    if path in _SPECIAL:
        return _SPECIAL[path](act, arguments, node)
    boundary = _register(act, path, owner, arguments, node)
    if boundary is not None and boundary.replaces and functions_in(arguments):
        return frozenset({act.world.make(REPLACED, act.source.site(node), Arguments())})
    guarded = _guarded(act, path, owner, arguments, node)
    if guarded is not None:
        return guarded
    _configure(act, path, owner, arguments)
    ran = None if boundary is not None else _run(act, path, arguments, node)
    sink = _known(act, path, act.world.catalogue.sinks)
    given = _given(act, path, owner, arguments, node)
    if sink is not None:
        return external_call(act, act.world.catalogue.sinks[sink], owner, arguments, node, given)
    return ran if ran is not None else given


def _who(callee: Ref | Member | Made) -> tuple[Value | None, str]:
    if isinstance(callee, Ref):
        return None, callee.path
    if isinstance(callee, Made):
        return callee, f"{callee.type}.__call__"
    return callee.owner, callee.path


def _known(act: Act, path: str, table: Container[str]) -> str | None:
    """Return the entry for a path, through base classes."""
    if path in table:
        return path
    base, _, name = path.rpartition(".")
    return act.world.names.member(base, name, table) if base else None


def _given(act: Act, path: str, owner: Value | None, arguments: Arguments, node: ast.AST) -> Values:
    world = act.world
    if path in world.catalogue.elements:
        return _as_collection(act, path, arguments, node)
    if _known(act, path, world.catalogue.passes) is not None:
        return frozenset(v for part in arguments.all() for v in part)
    returned = _known(act, path, world.catalogue.returns)
    kind = world.catalogue.returns[returned] if returned is not None else path
    if kind.count(".") > 8 and isinstance(owner, Made):
        return frozenset({owner})
    return frozenset({world.make(kind, act.source.site(node), arguments, owner)})


def _as_collection(act: Act, path: str, arguments: Arguments, node: ast.AST) -> Values:
    found = union(elements(act, part) for part in arguments.positional)
    if path in {"asyncio.wait", "concurrent.futures.wait"}:
        return (
            frozenset({Seq((arguments.positional[0], arguments.positional[0]))})
            if arguments.positional
            else UNKNOWN
        )
    if path in {"builtins.next", "builtins.min", "builtins.max"}:
        return found
    return act.world.bag(act.source.site(node), found)


def functions_in(arguments: Arguments) -> list[Values]:
    """Return the arguments that are functions of the code."""
    return [part for part in arguments.all() if any(isinstance(v, _CODE) for v in part)]


def _guarded(act: Act, path: str, owner: Value | None, arguments: Arguments, node: ast.AST) -> Values | None:
    """Return what a guard makes of a function: a guarded one, or its result; none where this is no guard."""
    where = act.source.where(node)
    given = settings_of(act, owner) if owner is not None else arguments
    wrapping = list(guards_for(act, path, "wraps"))
    calling = list(guards_for(act, path, "calls"))
    if not wrapping and not calling:
        return None
    position, target = _target(act, arguments)
    if target is None or (wrapping and position is None):
        return None
    frames = frames_for(act, iter(wrapping or calling), given, where)
    if (
        calling
        and arguments.positional
        and given is not arguments
        and any(g.exceptions_position is not None for g in calling)
    ):
        frames = frames_for(act, iter(calling), arguments, where)
    if wrapping:
        return frozenset(Wrapped(value, frames) for value in target)
    rest = arguments.after(position + 1) if position is not None else Arguments((), arguments.keywords)
    keywords = {k: v for k, v in rest.keywords.items() if v is not target}
    return call_guarded(act, target, frames, Arguments(rest.positional, keywords, rest.open), node)


def _target(act: Act, arguments: Arguments) -> tuple[int | None, Values | None]:
    """Return the function that a guard is given, and its position."""
    for position, part in enumerate(arguments.positional):
        if any(isinstance(v, _CODE | Member | Deferred) for v in part) or _is_sink(act, part):
            return position, part
    for part in arguments.keywords.values():
        if any(isinstance(v, _CODE) for v in part):
            return None, part
    return None, None


def _is_sink(act: Act, values: Values) -> bool:
    return any(isinstance(v, Ref) and _known(act, v.path, act.world.catalogue.sinks) for v in values)


def call_guarded(
    act: Act, target: Values, frames: tuple[Frame, ...], arguments: Arguments, node: ast.AST
) -> Values:
    """Call functions with frames around them; the frames travel with what is deferred."""
    before = act.frames
    act.frames = (*frames, *before)
    found = union(
        frozenset({value})
        if isinstance(value, Deferred)
        else act.world.machine.call(act, value, arguments, node)
        for value in ordered(target)
    )
    act.frames = before
    return frozenset(
        Deferred(v.kind, v.target, (*v.frames, *frames)) if isinstance(v, Deferred) else v for v in found
    )


def _register(
    act: Act, path: str, owner: Value | None, arguments: Arguments, node: ast.AST
) -> Boundary | None:
    """Note the functions that a framework will call, and the errors that it has a handler for."""
    found: Boundary | None = None
    plain = path.removesuffix(".__call__")
    for boundary in _boundaries(act, plain):
        if _known(act, plain, dict.fromkeys(boundary.handlers)) is not None:
            given = settings_of(act, owner) if path != plain else arguments
            names = [name for part in given.positional for name in names_of(act, part)]
            act.world.answered[boundary.framework].update(names)
        elif _known(act, plain, dict.fromkeys(boundary.calls)) is None:
            continue
        found = boundary
        for part in functions_in(arguments):
            for function in ordered(part):
                enter_from(act, function, boundary, node)
    return found


def _boundaries(act: Act, path: str) -> list[Boundary]:
    """Return the boundaries that a path may belong to."""
    table: dict[str, list[Boundary]] = act.world.kept.get("boundaries", {})
    if not table:
        for boundary in act.world.catalogue.boundaries:
            for name in (*boundary.calls, *boundary.handlers):
                table.setdefault(name, []).append(boundary)
        act.world.kept["boundaries"] = table
    known = _known(act, path, table)
    return table[known] if known is not None else []


def enter_from(act: Act, function: Value, boundary: Boundary, node: ast.AST) -> None:
    """Make a function an entry point of a framework."""
    if not isinstance(function, _CODE):
        return
    for deferred in postpone(act, function, Arguments(open=True), node):
        if isinstance(deferred, Deferred) and isinstance(deferred.target, int):
            act.world.forced.add(deferred.target)
            label = f"{boundary.framework}: {act.world.contexts[deferred.target].label}"
            act.world.roots[deferred.target] = Root(label, boundary.framework, boundary.guards)
            act.world.root_frames[deferred.target] = deferred.frames


def _configure(act: Act, path: str, owner: Value | None, arguments: Arguments) -> None:
    known = act.world.catalogue
    position = _known(act, path, known.configures)
    target = _library_part(act, owner)
    if position is not None and target is not None:
        part = arguments.get(known.configures[position], None) or frozenset()
        details = act.world.details.get(target)
        if details is not None and not part <= details.parts:
            details.parts |= part
            act.world.changed = True
    switches = [
        v for part in arguments.all() for v in part if isinstance(v, Ref) and v.path in known.autocommit
    ]
    named = _known(act, path, known.autocommit) and not any(Const(False) in p for p in arguments.all())
    if owner is not None and (switches or named):
        act.world.join(owner, "autocommit", frozenset({Const(True)}))


def _library_part(act: Act, owner: Value | None) -> Value | None:
    return library_part(act, owner) if isinstance(owner, Instance) else owner


def _run(act: Act, path: str, arguments: Arguments, node: ast.AST) -> Values | None:
    """Run the functions and coroutines that are passed, as the runner does; none where it is no runner."""
    found = _known(act, path, act.world.catalogue.runners)
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
    functions = frozenset(v for v in jobs if isinstance(v, _CODE | Member | Ref | Class))
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
            elif isinstance(value, _CODE) and name in _IN_PLACE:
                act.world.machine.call(act, value, Arguments(open=True), node)
            elif isinstance(value, _CODE):
                detach(act, value, Arguments(open=True), node)


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


_SPECIAL = {
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
}
