"""Puts the rules for expressions, statements, calls and attributes together."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static import annotated_types, attributes, deferral, expressions, statements
from pytest_resilience.checklist.static.blocks import as_decorator, is_decorator
from pytest_resilience.checklist.static.boundaries import REPLACED
from pytest_resilience.checklist.static.definitions import members
from pytest_resilience.checklist.static.elements import elements, ordered
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.functions import call_function, instantiate
from pytest_resilience.checklist.static.library_calls import call_guarded, call_library
from pytest_resilience.checklist.static.running import callbacks
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Class,
    Func,
    Instance,
    Made,
    Member,
    Partial,
    Ref,
    Value,
    Values,
    Wrapped,
    union,
)
from pytest_resilience.checklist.static.world import Act, World

_RULED = Func | Class | Ref | Member | Made | Instance | Partial | Wrapped
_INJECTORS = {"Depends", "Security", "Provide", "Inject"}


class Reader:
    """Follows code; what it learns goes into the world of each activation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._importing: list[tuple[int, tuple[Frame, ...]]] = []

    def evaluate(self, act: Act, node: ast.expr) -> Values:
        """Return what an expression may stand for."""
        return expressions.evaluate(act, node)

    def execute(self, act: Act, body: list[ast.stmt]) -> None:
        """Follow statements."""
        statements.execute(act, body)

    def attribute(self, act: Act, owner: Value, name: str, node: ast.AST) -> Values:
        """Return what an attribute may be."""
        return attributes.attribute(act, owner, name, node)

    def annotated(self, act: Act, node: ast.expr) -> Values:
        """Return what a variable of that annotation may hold."""
        return annotated_types.annotated(act, node)

    def force(self, act: Act, values: Values, node: ast.AST) -> Values:
        """Run what is deferred among the alternatives."""
        return deferral.force(act, values, node)

    def module(self, name: str) -> dict[str, Values]:
        """Return the names of a module of the code, which is followed first, once in a round."""
        world = self._world
        env = world.modules.setdefault(name, {})
        source = world.project.modules.get(name)
        if source is None:
            return env
        context = world.context(("module", name), f"module {name}", f"{source.path}:1")
        if context.round != world.round:
            context.round = world.round
            context.steps = []
            act = Act(world, source, context, env)
            world.acts[context.id] = act
            statements.prepare(act, source.tree.body)
            statements.execute(act, source.tree.body)
        return env

    def call(self, act: Act, callee: Value, arguments: Arguments, node: ast.AST) -> Values:
        """Follow a call; return what it may give."""
        self._count(act, callee, node)
        if isinstance(callee, Func):
            return call_function(act, callee, arguments, node)
        if isinstance(callee, Class):
            return instantiate(act, callee, arguments, node)
        if isinstance(callee, Ref | Member | Made):
            return call_library(act, callee, arguments, node)
        if is_decorator(act, callee) and not self._has_call(act, callee):
            return as_decorator(act, callee, arguments.get(0, None) or UNKNOWN, node)
        if isinstance(callee, Instance | Partial | Wrapped):
            return self._call_object(act, callee, arguments, node)
        callbacks(act, getattr(getattr(node, "func", None), "attr", ""), arguments, node)
        return UNKNOWN

    @staticmethod
    def _has_call(act: Act, callee: Value) -> bool:
        return isinstance(callee, Instance) and bool(members(act, callee, "__call__"))

    def _call_object(
        self, act: Act, callee: Instance | Partial | Wrapped, arguments: Arguments, node: ast.AST
    ) -> Values:
        if isinstance(callee, Partial):
            return self.call(act, callee.func, act.world.completed(callee, arguments), node)
        if isinstance(callee, Wrapped):
            return call_guarded(act, frozenset({callee.func}), callee.frames, arguments, node)
        hooks = [h for h in self.attribute(act, callee, "__call__", node) if h != callee]
        return union(self.call(act, hook, arguments, node) for hook in hooks)

    def _count(self, act: Act, callee: Value, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            before = act.world.calls.get(node)
            known = isinstance(callee, _RULED)
            if before is None or (known and not before[1]):
                act.world.calls[node] = (act.place(node, ast.unparse(node.func)[:80]), known)

    def decorate(self, act: Act, decorators: Values, decorated: Values, node: ast.expr) -> Values:
        """Return what a decorator makes of a function or class; an unknown one leaves it as it is."""
        found = [self._decorated(act, d, decorated, node) for d in ordered(decorators)]
        return union(found) or decorated

    def _decorated(self, act: Act, decorator: Value, decorated: Values, node: ast.expr) -> Values:
        if isinstance(decorator, Ref | Member | Made):
            result = call_library(act, decorator, Arguments((decorated,)), node)
            kinds = Func | Wrapped | Partial | Class
            return frozenset(v for v in result if isinstance(v, kinds) or getattr(v, "type", "") == REPLACED)
        return self.call(act, decorator, Arguments((decorated,)), node)

    def injected(self, act: Act, values: Values, node: ast.AST, annotation: ast.expr | None) -> Values:
        """Return what a framework passes for a default such as `Depends(get_db)`; `Depends()` goes by annotation."""
        found: list[Values] = []
        for value in ordered(values):
            details = act.world.details.get(value) if isinstance(value, Made) else None
            if details is None or value.type.rpartition(".")[2] not in _INJECTORS:
                continue
            given = details.arguments.get(0, "dependency")
            if given is None:
                given = UNKNOWN if annotation is None else act.value(annotation)
            for provider in ordered(given):
                made = self.call(act, provider, Arguments(open=True), node)
                results = self.force(act, made, node)
                found += [
                    frozenset(v for v in results if v not in made) or results,
                    elements(act, made),
                ]
        return union(found)
