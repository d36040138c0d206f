"""Follows all the code, from its entry points first, until nothing new is learnt."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pytest_resilience.checklist.static.boundaries import enter_from
from pytest_resilience.checklist.static.catalogue.model import Boundary, Catalogue
from pytest_resilience.checklist.static.catalogue.names import Names
from pytest_resilience.checklist.static.facts import Definition, Edge, Root
from pytest_resilience.checklist.static.functions import activate
from pytest_resilience.checklist.static.machine import Reader
from pytest_resilience.checklist.static.report import EntryPoint
from pytest_resilience.checklist.static.source import Project
from pytest_resilience.checklist.static.values import Arguments, Class, Func, Instance, Value, Wrapped
from pytest_resilience.checklist.static.world import Act, World

MOST_ROUNDS = 3
"""What is still changing after so many rounds is as good as known."""


def follow(project: Project, catalogue: Catalogue, entry_points: Iterable[EntryPoint]) -> World:
    """Return what is known of the code after all of it was followed."""
    world = World(catalogue, Names(catalogue), project)
    world.machine = Reader(world)
    entries = list(entry_points)
    for number in range(1, MOST_ROUNDS + 1):
        _begin(world, number)
        _follow_modules(world)
        _follow_entries(world, entries)
        _follow_frameworks(world)
        _finish(world)
        _follow_the_rest(world)
        _join_lost(world)
        if not world.changed:
            break
    return world


def _begin(world: World, number: int) -> None:
    world.round = number
    world.changed = False
    world.edges.clear()
    world.sinks.clear()
    world.roots.clear()
    world.created.clear()
    world.forced.clear()
    world.started.clear()


def _follow_modules(world: World) -> None:
    for name, source in world.project.modules.items():
        world.machine.module(name)
        context = world.context(("module", name), f"module {name}", f"{source.path}:1")
        world.roots[context.id] = Root(name)


def _follow_entries(world: World, entries: list[EntryPoint]) -> None:
    for entry in entries:
        if entry.function is not None:
            module, _, name = entry.function.partition(":")
            _enter_function(world, module, name)


def _enter_function(world: World, module: str, name: str) -> None:
    source = world.project.modules.get(module)
    found = world.modules.get(module, {}).get(name.partition(".")[0], frozenset())
    if source is None or not found:
        note = f"entry point {module}:{name} was not found"
        if note not in world.project.notes:
            world.project.notes.append(note)
        return
    act = _outside(world, module)
    for part in name.split(".")[1:]:
        found = frozenset(v for o in found for v in world.machine.attribute(act, o, part, source.tree))
    boundary = Boundary(framework="", guards=False)
    for value in found:
        enter_from(act, value, boundary, source.tree)


def _outside(world: World, module: str) -> Act:
    """Return an activation of a module that is not part of any path."""
    source = world.project.modules[module]
    context = world.context(("outside", module), "outside", f"{source.path}:1")
    context.steps = []
    return Act(world, source, context, world.modules[module])


def _follow_frameworks(world: World) -> None:
    """Enter the methods that frameworks call by the class, and the functions that they call by their shape."""
    for boundary in world.catalogue.boundaries:
        for definition in list(world.classes.values()):
            for base in world.names.ancestors(definition.key):
                for method in boundary.classes.get(base, ()):
                    _enter_method(world, definition.key, method, boundary)
            if boundary.bases is not None and _is_built_on(world, definition.key, boundary.bases):
                for method in [name for name in definition.env if not name.startswith("_")]:
                    _enter_method(world, definition.key, method, boundary)
        if boundary.parameter is not None:
            _enter_shaped(world, boundary)


def _is_built_on(world: World, key: str, bases: str) -> bool:
    return any(fnmatchcase(base, bases) for base in world.names.ancestors(key) if base != key)


def _enter_method(world: World, key: str, name: str, boundary: Boundary) -> None:
    definition = world.classes[key]
    if name in definition.env:
        act = _outside(world, definition.source.name)
        for value in world.machine.attribute(act, Instance(key), name, definition.node):
            enter_from(act, value, boundary, definition.node)


def _enter_shaped(world: World, boundary: Boundary) -> None:
    for name in world.project.modules:
        if name.rpartition(".")[2] not in boundary.modules:
            continue
        for values in list(world.modules[name].values()):
            for value in values:
                inner: Value = value.func if isinstance(value, Wrapped) else value
                if isinstance(inner, Func) and _begins_with(world, inner, boundary.parameter or ""):
                    enter_from(_outside(world, name), value, boundary, world.project.modules[name].tree)


def _begins_with(world: World, function: Func, parameters: str) -> bool:
    definition = world.functions[function.key]
    wanted = parameters.split(", ")
    names = [parameter.arg for parameter in definition.node.args.args]
    return names[: len(wanted)] == wanted and definition.source.name == function.key.partition(":")[0]


def _finish(world: World) -> None:
    """Follow what was too deep."""
    while world.pending:
        run = world.contexts[world.pending.pop(0)].run
        if run is not None:
            run()


def _follow_the_rest(world: World) -> None:
    """Follow classes that nothing makes, and functions that nothing calls."""
    for key in [key for key in world.classes if key not in world.instantiated]:
        _make_up(world, key)
    for definition in list(world.functions.values()):
        if definition.key not in world.started and definition.name != "lambda":
            _follow_unreached(world, definition)
    _finish(world)


def _make_up(world: World, key: str) -> None:
    definition = world.classes[key]
    for value in definition.env.get("__init__", ()):
        if isinstance(value, Func):
            method = world.functions[value.key]
            activate(world, method, Func(value.key, value.scope, Instance(key)), Arguments(open=True))


def _follow_unreached(world: World, definition: Definition) -> None:
    scope = world.scopes.get(definition.key)
    if scope is None:
        return
    receiver: Value | None = None
    if definition.owner is not None and definition.flag != "static":
        receiver = Class(definition.owner) if definition.flag == "class" else Instance(definition.owner)
    activate(world, definition, Func(definition.key, scope, receiver), Arguments(open=True))


def _join_lost(world: World) -> None:
    """Connect what was made to run and never awaited or read: nobody sees what it raises, or it was lost here."""
    for target, (caller, frames, kind, line) in world.created.items():
        if target in world.forced:
            continue
        if isinstance(target, int):
            world.edges[target][Edge(caller, frames, line, kind == "running")] = None
        else:
            world.sinks[target, caller, (*target.inner, *frames)] = None  # type: ignore[attr-defined,index]
