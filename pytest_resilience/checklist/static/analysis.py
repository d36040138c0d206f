"""Reads code and says how its external calls are guarded; nothing is imported or run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_resilience.checklist.static.catalogue.load import load
from pytest_resilience.checklist.static.findings import marked, swallowed, transactions
from pytest_resilience.checklist.static.paths import Judge
from pytest_resilience.checklist.static.reading import follow
from pytest_resilience.checklist.static.report import Coverage, EntryPoint, Place, StaticReport
from pytest_resilience.checklist.static.source import read
from pytest_resilience.checklist.static.world import World


def analyse(
    folder: Path,
    packages: Sequence[str] = (),
    entry_points: Sequence[EntryPoint] = (),
    *,
    catalogues: Sequence[Path] = (),
) -> StaticReport:
    """Read the code of some packages and say how each external call is guarded.

    Args:
        folder: where packages and scripts stand.
        packages: dotted names or paths; none: all Python files under the folder.
        entry_points: where runs begin; `__main__` blocks, module-level code and the handlers of known
            frameworks are found by themselves.
        catalogues: further TOML files about libraries.

    Raises:
        CatalogueError: a catalogue has something that is not known.
    """
    project = read(folder, packages, entry_points)
    world = follow(project, load(catalogues), entry_points)
    judge = Judge(world, entry_points)
    sites = tuple(judge.sites())
    autocommit_writes, commits_between = transactions(world, judge.declared)
    missing = (site.place for site in sites if site.timeout == "missing")
    return StaticReport(
        sites=sites,
        swallowed=marked(world, dict(swallowed(world)), judge.declared),
        autocommit_writes=autocommit_writes,
        commits_between=commits_between,
        missing_timeouts=tuple(missing),
        bare_logging=marked(world, world.bare_logging, judge.declared),
        unresolved=_unresolved(world),
        broken=tuple(sorted(project.broken)),
        notes=tuple(dict.fromkeys(project.notes)),
        coverage=_coverage(world, judge),
    )


def _unresolved(world: World) -> tuple[Place, ...]:
    return tuple(sorted(place for place, known in world.calls.values() if not known))


def _coverage(world: World, judge: Judge) -> Coverage:
    contexts = {world.contexts[number].where for number in judge.reached}
    named = [d for d in world.functions.values() if d.name != "lambda"]
    return Coverage(
        files=len(world.project.modules),
        lines=sum(source.lines for source in world.project.modules.values()),
        functions=len(named),
        reached=sum(definition.source.where(definition.node) in contexts for definition in named),
        calls=len(world.calls),
        resolved=sum(known for _, known in world.calls.values()),
    )
