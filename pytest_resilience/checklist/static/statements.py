"""Follows statements: what they define, what they call, and what stands around it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from pytest_resilience.checklist.static.assignments import assign
from pytest_resilience.checklist.static.bare_logging import bare_logging
from pytest_resilience.checklist.static.blocks import enter
from pytest_resilience.checklist.static.definitions import define_class, define_function
from pytest_resilience.checklist.static.elements import elements
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.handlers import handler
from pytest_resilience.checklist.static.hooks import enter_loop
from pytest_resilience.checklist.static.imports import import_from, import_modules
from pytest_resilience.checklist.static.library_guards import loop_frame
from pytest_resilience.checklist.static.loops import retry_calls, retry_loops
from pytest_resilience.checklist.static.values import UNKNOWN, Class, Made, Ref, Values, union
from pytest_resilience.checklist.static.world import Act


def execute(act: Act, body: list[ast.stmt]) -> None:
    """Follow statements in their order."""
    for statement in body:
        act.node = statement
        rule = _RULES.get(type(statement), _others)
        before = (act.frames, act.weak, act.loops, act.transactions)
        try:
            rule(act, statement)
        except RecursionError:
            act.frames, act.weak, act.loops, act.transactions = before
            note = f"{act.source.where(statement)}: nested too deeply to be followed"
            act.world.project.notes.append(note)


def _others(act: Act, node: ast.stmt) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            act.value(child)


def _assign(act: Act, node: ast.Assign) -> None:
    values = act.value(node.value)
    for target in node.targets:
        assign(act, target, values)


def _annotated(act: Act, node: ast.AnnAssign) -> None:
    values = act.value(node.value) if node.value is not None else UNKNOWN
    if not values:
        values = act.world.machine.annotated(act, node.annotation)
    if node.value is not None or values:
        assign(act, node.target, values)


def _augmented(act: Act, node: ast.AugAssign) -> None:
    values = act.value(node.value)
    if isinstance(node.target, ast.Name):
        act.bind(node.target.id, union((act.lookup(node.target.id) or UNKNOWN, values)))


def _returns(act: Act, node: ast.Return) -> None:
    values = act.value(node.value) if node.value is not None else UNKNOWN
    context = act.context
    after = union((context.returned, values))
    if after != context.returned:
        context.returned = after
        act.world.changed = True


def _if(act: Act, node: ast.If) -> None:
    act.value(node.test)
    act.weak += 1
    execute(act, node.body)
    execute(act, node.orelse)
    act.weak -= 1


def _loop(act: Act, node: ast.For | ast.AsyncFor | ast.While) -> None:
    frames = act.frames
    if isinstance(node, ast.While):
        act.value(node.test)
    else:
        over = act.value(node.iter)
        assign(act, node.target, elements(act, over))
        enter_loop(act, over, node)
        act.frames = (*(f for v in over for f in loop_frame(act, v)), *frames)
    act.weak += 1
    act.loops += 1
    execute(act, node.body)
    act.loops -= 1
    act.frames = frames
    execute(act, node.orelse)
    act.weak -= 1


def _try(act: Act, node: ast.Try | ast.TryStar) -> None:
    frames = act.frames
    function = act.world.function_body(act)
    caught = tuple(handler(act, part, function) for part in node.handlers)
    around = Frame("try", act.source.where(node), "", caught)
    loop = act.retries.get(node)
    again = tuple(name for one in caught if one.disposition != "translated" for name in one.catches)
    repeated = () if loop is None else (replace(loop, exceptions=again),)
    act.frames = (*repeated, *((around,) if caught else ()), *frames)
    execute(act, node.body)
    act.frames = frames
    act.weak += 1
    for part, fate in zip(node.handlers, caught, strict=True):
        _handle(act, part)
        act.world.handlers[fate.where] = (act.place(part), around)
        act.world.handled_in[fate.where].add(act.context.id)
    execute(act, node.orelse)
    act.weak -= 1
    execute(act, node.finalbody)


def _handle(act: Act, node: ast.ExceptHandler) -> None:
    if node.name is not None:
        kinds = act.value(node.type) if node.type is not None else UNKNOWN
        act.bind(node.name, frozenset(Made(k.path, "") for k in kinds if isinstance(k, Ref)))
    execute(act, node.body)
    if act.world.kept.get(("logging", node)) != act.world.round:
        act.world.kept["logging", node] = act.world.round
        bare = {act.place(call, ast.unparse(call)) for call in bare_logging(act, node)}
        where = act.source.where(node)
        for place in [p for p, at in act.world.bare_logging.items() if at == where and p not in bare]:
            del act.world.bare_logging[place]
        act.world.bare_logging.update(dict.fromkeys(bare, where))


def _with(act: Act, node: ast.With | ast.AsyncWith) -> None:
    frames, transactions = act.frames, act.transactions
    exits: list[Callable[[], None]] = []
    for item in node.items:
        entered = enter(act, act.value(item.context_expr), item.context_expr)
        act.frames = (*entered.frames, *act.frames)
        act.transactions += entered.begins
        exits.append(entered.leave)
        if item.optional_vars is not None:
            assign(act, item.optional_vars, entered.values)
    execute(act, node.body)
    act.frames = frames
    for leave in exits:
        leave()
    act.transactions = transactions


def _match(act: Act, node: ast.Match) -> None:
    subject = act.value(node.subject)
    act.weak += 1
    for case in node.cases:
        _capture(act, case.pattern, subject)
        if case.guard is not None:
            act.value(case.guard)
        execute(act, case.body)
    act.weak -= 1


def _capture(act: Act, pattern: ast.pattern, subject: Values) -> None:
    for found in ast.walk(pattern):
        if isinstance(found, ast.MatchAs | ast.MatchStar) and found.name is not None:
            act.bind(found.name, subject if found is pattern else UNKNOWN)


def _outward(act: Act, node: ast.Global | ast.Nonlocal) -> None:
    act.outward.update(node.names)


def _function(act: Act, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    define_function(act, node)


def _class(act: Act, node: ast.ClassDef) -> None:
    key = define_class(act, node)
    definition = act.world.classes[key.key]
    inner = Act(act.world, act.source, act.context, definition.env, act, key.key, None, node)
    inner.frames, inner.in_class = act.frames, True
    execute(inner, node.body)
    values: Values = frozenset({key})
    for decorator in reversed(node.decorator_list):
        act.world.machine.decorate(act, act.value(decorator), values, decorator)
    act.bind(node.name, frozenset({Class(key.key)}))


def prepare(act: Act, body: list[ast.stmt]) -> None:
    """Look for the retry loops of a function before its statements are followed."""
    kept = act.world.kept
    key = ("loops", id(body))
    if key not in kept:
        has_loops = any(isinstance(node, ast.For | ast.AsyncFor | ast.While) for node in _walked(body))
        found = retry_calls(act.world.function_body(act), partial(_is_sleep, act), act.source.where)
        if has_loops:
            found |= retry_loops(body, partial(_is_sleep, act), act.source.where)
        kept[key] = found
    act.retries = kept[key]


def _walked(body: list[ast.stmt]) -> list[ast.AST]:
    return [node for statement in body for node in ast.walk(statement)]


def _is_sleep(act: Act, call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if name.rpartition(".")[2].lstrip("_").startswith(("sleep", "wait", "backoff")):
        return True
    return any(isinstance(v, Ref) and v.path in act.world.catalogue.sleeps for v in _quietly(act, call.func))


def _quietly(act: Act, node: ast.expr) -> Values:
    return act.lookup(node.id) or UNKNOWN if isinstance(node, ast.Name) else UNKNOWN


_RULES: dict[type[ast.AST], Callable[[Act, Any], None]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _returns,
    ast.If: _if,
    ast.For: _loop,
    ast.AsyncFor: _loop,
    ast.While: _loop,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Match: _match,
    ast.Global: _outward,
    ast.Nonlocal: _outward,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Import: import_modules,
    ast.ImportFrom: import_from,
}
