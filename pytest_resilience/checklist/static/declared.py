"""Tells which ways into the code are declared: the entry points, and the handlers of modules that they import."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_resilience.checklist.static.report import EntryPoint
from pytest_resilience.checklist.static.world import World


def declared_roots(world: World, entry_points: Sequence[EntryPoint]) -> set[int]:
    """Return the contexts that a declared entry point runs; all, where none is declared."""
    if not entry_points:
        return set(world.roots)
    paths = {world.project.modules[name].path for name in _imported(world, _named(world, entry_points))}
    return {
        number
        for number, root in world.roots.items()
        if root.is_declared or world.contexts[number].where.rpartition(":")[0] in paths
    }


def _named(world: World, entry_points: Sequence[EntryPoint]) -> list[str]:
    """Return the modules that the entry points name."""
    modules = world.project.modules
    found: list[str] = []
    for entry in entry_points:
        name = entry.module or (entry.function or "").partition(":")[0]
        script = (entry.script or "").removeprefix("./")
        found += [one for one in (name, f"{name}.__main__") if one in modules]
        found += [one for one, source in modules.items() if script and source.path.endswith(script)]
    return found


def _imported(world: World, names: list[str]) -> set[str]:
    """Return modules with all that they import, and the packages around them."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in world.project.modules and name not in found:
            found.add(name)
            queue += world.imports.get(name, ())
            queue.append(name.rpartition(".")[0])
    return found
