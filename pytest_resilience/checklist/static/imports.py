"""Follows imports: to modules of the code, which are followed in turn, or to libraries by their dotted names."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.source import Source
from pytest_resilience.checklist.static.values import UNKNOWN, ModuleValue, Ref, Values
from pytest_resilience.checklist.static.world import Act


def import_modules(act: Act, node: ast.Import) -> None:
    """Follow `import a.b as c`."""
    for alias in node.names:
        parts = alias.name.split(".")
        for length in range(1, len(parts) + 1):
            module_or_library(act, ".".join(parts[:length]))
        name = alias.name if alias.asname else parts[0]
        act.bind(alias.asname or parts[0], module_or_library(act, name))


def import_from(act: Act, node: ast.ImportFrom) -> None:
    """Follow `from a import b as c`, relative and starred ones too."""
    base = absolute(act.source, node.module, node.level)
    for alias in node.names:
        if alias.name == "*":
            _import_all(act, base)
        else:
            act.bind(alias.asname or alias.name, member(act, base, alias.name))


def absolute(source: Source, module: str | None, level: int) -> str:
    """Return the full name of a module that is named from within another."""
    if level == 0:
        return module or ""
    parts = source.name.split(".")
    kept = parts[: len(parts) - level + (1 if source.is_package else 0)]
    return ".".join([*kept, *([module] if module else [])])


def module_or_library(act: Act, name: str) -> Values:
    """Return a module, of the code where it has one of that name."""
    if act.world.project.is_ours(name):
        act.world.imports[act.source.name].add(name)
        act.world.machine.module(name)
        return frozenset({ModuleValue(name)})
    return frozenset({Ref(act.world.names.canonical(name))})


def member(act: Act, module: str, name: str) -> Values:
    """Return what a module has under a name."""
    world = act.world
    if not world.project.is_ours(module):
        return frozenset({Ref(world.names.canonical(f"{module}.{name}"))})
    world.imports[act.source.name].add(module)
    env = world.machine.module(module)
    if name not in env and world.project.is_ours(f"{module}.{name}"):
        return module_or_library(act, f"{module}.{name}")
    return env.get(name, UNKNOWN)


def _import_all(act: Act, module: str) -> None:
    if act.world.project.is_ours(module):
        act.world.imports[act.source.name].add(module)
        for name, values in list(act.world.machine.module(module).items()):
            if not name.startswith("_"):
                act.bind(name, values)
        return
    prefix = f"{act.world.names.canonical(module)}."
    known = act.world.catalogue
    paths = (*known.sinks, *known.returns, *known.bases, *known.aliases, *known.passes)
    for path in (p for p in paths if p.startswith(prefix)):
        name = path[len(prefix) :].partition(".")[0]
        act.bind(name, frozenset({Ref(act.world.names.canonical(prefix + name))}))
