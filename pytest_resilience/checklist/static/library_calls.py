"""Follows calls of libraries: external calls, guards, frameworks, runners of functions, and what they return."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.boundaries import CODE, REPLACED, functions_in, register
from pytest_resilience.checklist.static.catalogue.model import Sink
from pytest_resilience.checklist.static.containers import collection_call
from pytest_resilience.checklist.static.elements import elements, ordered
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.hooks import keep_for_guard, run_hooks, without_hooks
from pytest_resilience.checklist.static.library_guards import (
    frames_for,
    guards_for,
    library_part,
    settings_of,
)
from pytest_resilience.checklist.static.listed_paths import listed
from pytest_resilience.checklist.static.overrides import handles, of_class, overridden
from pytest_resilience.checklist.static.running import run
from pytest_resilience.checklist.static.sinks import external_call
from pytest_resilience.checklist.static.special_calls import SPECIAL
from pytest_resilience.checklist.static.stores import stored
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Class,
    Const,
    Deferred,
    Instance,
    Made,
    Member,
    Ref,
    Seq,
    Value,
    Values,
    Wrapped,
    union,
)
from pytest_resilience.checklist.static.world import Act


def call_library(act: Act, callee: Ref | Member | Made, arguments: Arguments, node: ast.AST) -> Values:
    """Follow a call of something that a library defines; return what it may give."""
    owner, path = _who(callee)
    moved = _moved(act, owner, path, arguments, node)
    return _by_catalogue(act, owner, path, arguments, node) if moved is None else moved


def _moved(act: Act, owner: Value | None, path: str, arguments: Arguments, node: ast.AST) -> Values | None:
    """Follow what only moves functions and clients about; none where the call is of another kind."""
    if isinstance(owner, Class):
        return of_class(act, owner, path, arguments, node)
    if not isinstance(owner, Made | Instance) and owner is not None:
        return collection_call(act, owner, path.rpartition(".")[2], arguments, node)
    if path in SPECIAL:
        return SPECIAL[path](act, arguments, node)
    return stored(act, owner, path, arguments)


def _by_catalogue(act: Act, owner: Value | None, path: str, arguments: Arguments, node: ast.AST) -> Values:
    boundary = register(act, path, owner, arguments, node)
    if boundary is not None and boundary.replaces and functions_in(arguments):
        return frozenset({act.world.make(REPLACED, act.source.site(node), Arguments())})
    guarded = _guarded(act, path, owner, arguments, node)
    if guarded is not None:
        return guarded
    _configure(act, path, owner, arguments)
    others = without_hooks(act, path, arguments)
    ran = None if boundary is not None else run(act, path, others, node)
    sink = listed(act, path, act.world.catalogue.sinks)
    if sink is not None:
        return _leaving(act, act.world.catalogue.sinks[sink], path, owner, arguments, node)
    return ran if ran is not None else _given(act, path, owner, arguments, node)


def _leaving(
    act: Act, sink: Sink, path: str, owner: Value | None, arguments: Arguments, node: ast.AST
) -> Values:
    """Follow a call that leaves the process, or the method of the code that makes it."""
    given = _given(act, path, owner, arguments, node)
    through = overridden(act, owner, path)
    results = union(act.world.machine.call(act, method, Arguments(open=True), node) for method in through)
    if any(handles(act, method) for method in through):
        return results
    given = union((given, results))
    run_hooks(act, [sink.library], node)
    return external_call(act, sink, owner, arguments, node, given)


def _who(callee: Ref | Member | Made) -> tuple[Value | None, str]:
    if isinstance(callee, Ref):
        return None, callee.path
    if isinstance(callee, Made):
        return callee, f"{callee.type}.__call__"
    return callee.owner, callee.path


def _given(act: Act, path: str, owner: Value | None, arguments: Arguments, node: ast.AST) -> Values:
    world = act.world
    if path in world.catalogue.elements:
        return _as_collection(act, path, arguments, node)
    if listed(act, path, world.catalogue.passes) is not None:
        return frozenset(v for part in arguments.all() for v in part)
    returned = listed(act, path, world.catalogue.returns)
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
    keep_for_guard(act, owner, path, given, where)
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
        if any(isinstance(v, CODE | Member | Deferred) for v in part) or _is_sink(act, part):
            return position, part
    for part in arguments.keywords.values():
        if any(isinstance(v, CODE) for v in part):
            return None, part
    return None, None


def _is_sink(act: Act, values: Values) -> bool:
    return any(isinstance(v, Ref) and listed(act, v.path, act.world.catalogue.sinks) for v in values)


def call_guarded(
    act: Act, target: Values, frames: tuple[Frame, ...], arguments: Arguments, node: ast.AST
) -> Values:
    """Call functions with frames around them; the frames travel with what is deferred."""
    before = act.frames
    run_hooks(act, [frame.where for frame in frames if frame.kind == "retry"], node)
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


def _configure(act: Act, path: str, owner: Value | None, arguments: Arguments) -> None:
    known = act.world.catalogue
    position = listed(act, path, known.configures)
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
    said = Const(True) in arguments.keywords.get("autocommit", frozenset())
    named = listed(act, path, known.autocommit) and not any(Const(False) in p for p in arguments.all())
    if owner is not None and (switches or named or said):
        act.world.join(owner, "autocommit", frozenset({Const(True)}))


def _library_part(act: Act, owner: Value | None) -> Value | None:
    return library_part(act, owner) if isinstance(owner, Instance) else owner
