"""What reading the code gathers: objects and what they hold, who calls whom under which guards, external calls."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytest_resilience.checklist.static.catalogue.model import Catalogue, Guard
from pytest_resilience.checklist.static.catalogue.names import Names
from pytest_resilience.checklist.static.facts import (
    ClassDefinition,
    Context,
    Definition,
    Details,
    Edge,
    Root,
    SinkCall,
)
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.report import Place
from pytest_resilience.checklist.static.source import Project, Source
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Bag,
    Instance,
    Made,
    Partial,
    Value,
    Values,
    union,
)


class Machine(Protocol):
    """What evaluates expressions, executes statements and makes calls."""

    def evaluate(self, act: Act, node: ast.expr) -> Values:
        """Return what an expression may stand for."""
        ...

    def execute(self, act: Act, body: list[ast.stmt]) -> None:
        """Follow statements."""
        ...

    def call(self, act: Act, callee: Value, arguments: Arguments, node: ast.AST) -> Values:
        """Follow a call; return what it may give."""
        ...

    def attribute(self, act: Act, owner: Value, name: str, node: ast.AST) -> Values:
        """Return what an attribute may be."""
        ...

    def module(self, name: str) -> dict[str, Values]:
        """Return the names of a module of the code, which is followed first."""
        ...

    def force(self, act: Act, values: Values, node: ast.AST) -> Values:
        """Run what is deferred among the alternatives; return the results and what was not deferred."""
        ...

    def annotated(self, act: Act, node: ast.expr) -> Values:
        """Return what a variable of that annotation may hold."""
        ...

    def injected(self, act: Act, values: Values, node: ast.AST, annotation: ast.expr | None) -> Values:
        """Return what a framework passes for a default such as `Depends(get_db)`; `Depends()` goes by annotation."""
        ...

    def decorate(self, act: Act, decorators: Values, decorated: Values, node: ast.expr) -> Values:
        """Return what a decorator makes of a function or class."""
        ...


@dataclass(slots=True)
class World:
    """Everything known so far; values only grow from round to round, edges are gathered anew in each."""

    catalogue: Catalogue
    names: Names
    project: Project
    machine: Machine = None  # type: ignore[assignment]
    round: int = 0
    changed: bool = False
    functions: dict[str, Definition] = field(default_factory=dict)
    classes: dict[str, ClassDefinition] = field(default_factory=dict)
    subclasses: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    modules: dict[str, dict[str, Values]] = field(default_factory=dict)
    heap: defaultdict[Hashable, dict[str, Values]] = field(default_factory=lambda: defaultdict(dict))
    details: dict[Value, Details] = field(default_factory=dict)
    contexts: list[Context] = field(default_factory=list)
    ids: dict[Hashable, int] = field(default_factory=dict)
    acts: dict[int, Act] = field(default_factory=dict)
    variants: defaultdict[Hashable, set[int]] = field(default_factory=lambda: defaultdict(set))
    edges: defaultdict[int, dict[Edge, None]] = field(default_factory=lambda: defaultdict(dict))
    sinks: dict[tuple[SinkCall, int, tuple[Frame, ...]], None] = field(default_factory=dict)
    root_frames: dict[int, tuple[Frame, ...]] = field(default_factory=dict)
    roots: dict[int, Root] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)
    created: dict[object, tuple[int, tuple[Frame, ...], str, int]] = field(default_factory=dict)
    forced: set[object] = field(default_factory=set)
    calls: dict[ast.AST, tuple[Place, bool]] = field(default_factory=dict)
    handlers: dict[str, tuple[Place, Frame]] = field(default_factory=dict)
    bare_logging: dict[Place, str] = field(default_factory=dict)
    handled_in: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    imports: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    instantiated: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    results: dict[object, Values] = field(default_factory=dict)
    answered: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    scopes: dict[str, int] = field(default_factory=dict)
    objects: defaultdict[str, dict[Instance, None]] = field(default_factory=lambda: defaultdict(dict))
    kept: dict[object, Any] = field(default_factory=dict)
    """What was found out about a piece of syntax once and for all."""
    depth: int = 0
    guard_tables: dict[str, dict[str, list[Guard]]] = field(default_factory=dict)

    def function_body(self, act: Act) -> ast.AST:
        """Return the function (or module) that is followed."""
        return act.node_of_function or act.source.tree

    def join(self, owner: Hashable, name: str, values: Values) -> None:
        """Add to what an attribute may hold."""
        fields = self.heap[owner]
        if isinstance(owner, Instance):
            self.objects[owner.key][owner] = None
        before = fields.get(name, UNKNOWN)
        if not values <= before:
            fields[name] = union((before, values))
            self.changed = self.changed or fields[name] != before

    def held(self, owner: Hashable, name: str) -> Values:
        """Return what an attribute may hold."""
        return self.heap[owner].get(name, UNKNOWN) if owner in self.heap else UNKNOWN

    def elements(self, values: Values) -> Values:
        """Return what a collection may hold."""
        return union(self.held(value, "*") for value in values if isinstance(value, Bag))

    def bag(self, site: str, values: Values) -> Values:
        """Return a collection with such elements."""
        found = Bag(site)
        self.join(found, "*", values)
        return frozenset({found})

    def remember(self, value: Partial, arguments: Arguments) -> None:
        """Keep the arguments that a partial function has already."""
        known = self.details.get(value)
        if known is None or known.arguments != arguments:
            self.details[value] = Details(arguments)
            self.changed = True

    def completed(self, value: Partial, arguments: Arguments) -> Arguments:
        """Return the arguments of a partial function with those of its call."""
        first = self.details[value].arguments if value in self.details else Arguments(open=True)
        keywords = {**first.keywords, **arguments.keywords}
        return Arguments((*first.positional, *arguments.positional), keywords, first.open or arguments.open)

    def make(self, kind: str, site: str, arguments: Arguments, origin: Value | None = None) -> Made:
        """Return a library's object, and remember what it was made with."""
        made = Made(kind, site)
        known = self.details.get(made)
        if known is None:
            self.details[made] = Details(arguments, origin)
            self.changed = True
        elif known.arguments != arguments or known.origin != origin:
            merged = _merged(known.arguments, arguments)
            if merged != known.arguments:
                known.arguments = merged
                self.changed = True
            known.origin = known.origin or origin
        return made

    def context(self, key: Hashable, label: str, where: str) -> Context:
        """Return the context of that key."""
        number = self.ids.get(key)
        if number is None:
            number = self.ids[key] = len(self.contexts)
            self.contexts.append(Context(number, label, where))
        return self.contexts[number]


def _merged(one: Arguments, other: Arguments) -> Arguments:
    count = max(len(one.positional), len(other.positional))
    positional = tuple(
        union(a.positional[i] for a in (one, other) if i < len(a.positional)) for i in range(count)
    )
    keywords = {
        name: union(a.keywords[name] for a in (one, other) if name in a.keywords)
        for name in {**one.keywords, **other.keywords}
    }
    return Arguments(positional, keywords, one.open or other.open)


@dataclass(slots=True)
class Act:
    """One function (or module) while it is followed.

    Args:
        world: everything known.
        source: the module that it is in.
        context: with which arguments.
        env: its names.
        outer: the function around its definition.
        owner: the class of a method.
        receiver: what the method is bound to.
        frames: what stands around the current statement, innermost first.
        weak: above zero where a statement may be skipped: then names keep what they held, too.
    """

    world: World
    source: Source
    context: Context
    env: dict[str, Values]
    outer: Act | None = None
    owner: str | None = None
    receiver: Value | None = None
    node: ast.AST | None = None
    node_of_function: ast.AST | None = None
    frames: tuple[Frame, ...] = ()
    weak: int = 0
    loops: int = 0
    transactions: int = 0
    outward: set[str] = field(default_factory=set)
    retries: dict[ast.AST, Frame] = field(default_factory=dict)
    in_class: bool = False

    def value(self, node: ast.expr) -> Values:
        """Return what an expression may stand for."""
        return self.world.machine.evaluate(self, node)

    def bind(self, name: str, values: Values) -> None:
        """Give a name a value; one that is declared global or nonlocal belongs to an outer scope."""
        env = self.env
        if name in self.outward:
            env = next((o.env for o in self._outers() if name in o.env), self.world.modules[self.source.name])
            values = union((env.get(name, UNKNOWN), values))
        elif self.weak:
            values = union((env.get(name, UNKNOWN), values))
        env[name] = values
        if env is self.world.modules[self.source.name]:
            self.world.join(f"module {self.source.name}", name, values)

    def _outers(self) -> list[Act]:
        found, outer = [], self.outer
        while outer is not None:
            found.append(outer)
            outer = outer.outer
        return found

    def lookup(self, name: str) -> Values | None:
        """Return what a name stands for; none where nobody defines it."""
        if name in self.env:
            return self.env[name]
        for outer in self._outers():
            if not outer.in_class and name in outer.env:
                return outer.env[name]
        return self.world.modules[self.source.name].get(name)

    def place(self, node: ast.AST, what: str = "") -> Place:
        """Return where something stands."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        return Place(path=self.source.path, line=line, column=column, what=what)
