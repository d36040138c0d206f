"""Notes external calls: where, to which service, with which time limit, and what they do to a transaction."""

from __future__ import annotations

import ast
import re

from pytest_resilience.checklist.static.catalogue.model import Sink
from pytest_resilience.checklist.static.facts import SinkCall, Step
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.library_guards import client_frames, library_part, settings_of
from pytest_resilience.checklist.static.report import Place, TimeoutState
from pytest_resilience.checklist.static.values import (
    Arguments,
    Const,
    Deferred,
    Instance,
    Made,
    Partial,
    Value,
    Values,
    consts,
)
from pytest_resilience.checklist.static.world import Act

_WRITING = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(insert|update|delete|merge|copy\s+\S+(?:\s*\([^)]*\))?\s+from|truncate|create|drop|alter|with\s.*\b(insert|update|delete)\b)",
    re.IGNORECASE | re.DOTALL,
)


def external_call(
    act: Act, sink: Sink, owner: Value | None, arguments: Arguments, node: ast.AST, given: Values
) -> Values:
    """Note an external call, now or when it is awaited; return what it gives."""
    connection = _receiver(sink, owner, arguments)
    call = SinkCall(
        _place(act, node),
        sink,
        _timeout(act, sink, owner, arguments),
        _writes(act, sink, arguments),
        client_frames(act, _as_library(act, owner)),
        _root(act, connection),
        _is_autocommit(act, connection),
    )
    for made in given:
        if sink.transaction == "begin":
            act.world.join(made, "begins", frozenset({Const(True)}))
    act.world.results[call] = given
    if sink.deferred:
        act.world.created.setdefault(call, (act.context.id, act.frames, "lazy", getattr(node, "lineno", 0)))
        return frozenset({Deferred("lazy", call)})
    record(act, call, ())
    return given


def record(act: Act, call: SinkCall, frames: tuple[Frame, ...]) -> None:
    """Note that an external call is made here."""
    act.world.sinks[call, act.context.id, (*call.inner, *frames, *act.frames)] = None
    kind = call.sink.transaction or ("write" if call.writes else "read")
    step = Step(kind, call.place, call.connection, None, act.loops > 0, act.transactions > 0, call.autocommit)
    act.context.steps.append(step)


def _place(act: Act, node: ast.AST) -> Place:
    """Return the place of the method's name, which tells apart the calls of a chain."""
    target = node.func if isinstance(node, ast.Call) else node
    if not isinstance(target, ast.Attribute):
        return act.place(node)
    line, end = target.end_lineno or target.lineno, target.end_col_offset or 0
    return Place(path=act.source.path, line=line, column=end - len(target.attr) + 1)


def _as_library(act: Act, owner: Value | None) -> Value | None:
    """Return the library's part of an object of the code that is built on it."""
    return library_part(act, owner) if isinstance(owner, Instance) else owner


def _receiver(sink: Sink, owner: Value | None, arguments: Arguments) -> Value | None:
    if sink.receiver is None:
        return owner
    values = arguments.get(sink.receiver, None) or frozenset()
    return next((v for v in values if isinstance(v, Made)), None)


def _root(act: Act, value: Value | None) -> Value | None:
    """Return the connection that a cursor comes from."""
    for _ in range(8):
        details = act.world.details.get(value) if value is not None else None
        if details is None or details.origin is None:
            break
        value = details.origin
    return value


def _is_autocommit(act: Act, value: Value | None) -> bool:
    """Return whether a connection, or what it comes from, commits each statement by itself."""
    world = act.world
    for _ in range(8):
        if value is None:
            return False
        details = world.details.get(value)
        given = details.arguments.keywords if details is not None else {}
        switches = [world.held(value, "autocommit"), given.get("autocommit", frozenset())]
        if any(Const(True) in switch for switch in switches) or _names_autocommit(given):
            return True
        value = details.origin if details is not None else None
    return False


def _names_autocommit(given: object) -> bool:
    levels = given.get("isolation_level", frozenset()) if isinstance(given, dict) else frozenset()
    return any(isinstance(c, str) and c.upper() == "AUTOCOMMIT" for c in consts(levels))


def _writes(act: Act, sink: Sink, arguments: Arguments) -> bool:
    if sink.writes != "sql":
        return bool(sink.writes)
    values = arguments.get(sink.statement, None) or frozenset()
    return any(_is_writing(act, value, 3) for value in values)


def _is_writing(act: Act, value: Value, depth: int) -> bool:
    if isinstance(value, Const):
        return isinstance(value.value, str) and _WRITING.match(value.value) is not None
    if isinstance(value, Made) and depth:
        if value.type == "sqlalchemy.WriteStatement":
            return True
        details = act.world.details.get(value)
        parts = [v for part in details.arguments.positional for v in part] if details is not None else []
        origin = [details.origin] if details is not None and details.origin is not None else []
        return any(_is_writing(act, part, depth - 1) for part in [*parts, *origin])
    return False


def _timeout(act: Act, sink: Sink, owner: Value | None, arguments: Arguments) -> TimeoutState:
    if sink.timeout is None:
        return "not-asked"
    stated = _stated(arguments.get(sink.timeout_position, sink.timeout))
    if stated is None and sink.timeout_text and _in_text(arguments, sink.timeout):
        return "set"
    if stated is None:
        stated = _inherited(act, sink, owner)
    if stated is not None:
        return stated
    if arguments.open:
        return "unknown"
    return "default" if sink.timeout_default else "missing"


def _stated(values: Values | None) -> TimeoutState | None:
    if values is None:
        return None
    found = consts(values)
    return "missing" if found and all(c is None for c in found) and len(found) == len(values) else "set"


def _in_text(arguments: Arguments, word: str) -> bool:
    texts = [c for part in arguments.all() for c in consts(part) if isinstance(c, str)]
    return any(word in text or "statement_timeout" in text for text in texts)


def _inherited(act: Act, sink: Sink, owner: Value | None) -> TimeoutState | None:
    """Return the limit that the client was made with, or that its own adapters or methods give."""
    library = _as_library(act, owner)
    if sink.inherits_timeout and library is not None and sink.timeout is not None:
        settings = settings_of(act, library)
        stated = _stated(settings.get(None, sink.timeout))
        if stated is not None:
            return stated
        if _in_text(settings, sink.timeout):
            return "set"
    details = act.world.details.get(library) if library is not None else None
    keys = [v.key for v in (details.parts if details is not None else ()) if isinstance(v, Instance)]
    keys += [owner.key] if isinstance(owner, Instance) else []
    if any(_speaks_of_timeouts(act, key) for key in keys) or _is_replaced(act, sink, owner):
        return "set"
    return None


def _is_replaced(act: Act, sink: Sink, owner: Value | None) -> bool:
    """Return whether a method of the client was replaced by one with a limit, a `partial` of it."""
    made = [value for value in act.world.held(owner, "request") if isinstance(value, Partial)]
    return any(sink.timeout in act.world.completed(value, Arguments()).keywords for value in made)


def _speaks_of_timeouts(act: Act, key: str) -> bool:
    """Return whether a method of a class that requests go through sets a limit."""
    nodes = act.world.classes[key].node.body if key in act.world.classes else []
    hooks = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name in {"send", "request"}]
    return any("timeout" in ast.unparse(hook) for hook in hooks)
