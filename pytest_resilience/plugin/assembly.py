"""Which experiments there are: from the declared workloads, their clean runs, and the options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.plugin.suite import Suite

if TYPE_CHECKING:
    from pytest_resilience.chaos.explore.probe import Probe
    from pytest_resilience.chaos.laboratory.clean import CleanRun
    from pytest_resilience.checklist.experiments.experiment import Experiment

EVERY_POINT = ("cut", "error", "lost-reply", "kill")
"""What items 3 and 4 try at every point, whatever the exploration is set to."""
OF_A_JOB = 20
"""How many points of one kind these are of a job, at even distances: first and last, and no thousand of one loop."""
OF_A_SERVER = 2
"""How many points of one kind these are of a server, which does the same for each request once it is connected."""


NOTHING_DECLARED = (
    "nothing is declared in pytest's rootdir: no resilience.toml, and no [tool.resilience] in pyproject.toml; start "
    "pytest where they are, or write a first one with `python -m pytest_resilience init`"
)


@dataclass(slots=True)
class Assembly:
    """The experiments of a test run.

    Args:
        experiments: in the order in which they run.
        items: the items of each, by its id.
        points: the fault points that they exercise.
        notes: what changed since the last test run, or why there is nothing to try.
    """

    experiments: list[Experiment] = field(default_factory=list)
    items: dict[str, tuple[str, ...]] = field(default_factory=dict)
    points: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def add(self, experiment: Experiment, item: str) -> None:
        """Add one."""
        self.experiments.append(experiment)
        self.items[experiment.id] = (item, *getattr(experiment, "also", ()))


def assemble(config: pytest.Config, suite: Suite, *, by_name: bool = False) -> Assembly:
    """Return the experiments; makes the clean runs that they follow from.

    Args:
        config: pytest's.
        suite: what is known of the workloads.
        by_name: some are asked for by name, so that all are made, whatever the exploration is set to.
    """
    assembly = Assembly()
    checklist = bool(config.getoption("resilience_checklist", default=False))
    if checklist and suite.configuration.file is None:
        assembly.notes.append(NOTHING_DECLARED)
    for name in suite.configuration.workloads:
        _add_workload(assembly, config, suite, name, checklist=checklist, by_name=by_name)
    if checklist or by_name:
        from pytest_resilience.checklist.experiments.all import experiments_of_items

        for item, experiment in experiments_of_items(suite.laboratory):
            assembly.add(experiment, item)
    return assembly


def _add_workload(
    assembly: Assembly, config: pytest.Config, suite: Suite, name: str, *, checklist: bool, by_name: bool
) -> None:
    from pytest_resilience.checklist.experiments.broken import NothingToBreak

    prepared = suite.configuration.workloads[name].start == "prepared"
    try:
        clean = suite.laboratory.clean(name)
    except HarnessError as error:
        nothing = NothingToBreak(name, str(error), prepared=prepared)
        assembly.add(nothing, nothing.item)
        return
    if clean.why_not is not None:
        nothing = NothingToBreak(name, clean.why_not, clean.record, prepared)
        assembly.add(nothing, nothing.item)
        return
    explore = "exhaustive" if by_name else str(config.getoption("resilience_explore", default="sample"))
    for experiment, item in _explored(suite, name, clean, explore, checklist=checklist):
        assembly.add(experiment, item)
    assembly.points |= {f"{name}/{point.service}/{point.id}" for point in clean.recording.points}
    assembly.notes += _changes(config, clean)


def _changes(config: pytest.Config, clean: CleanRun) -> list[str]:
    """Say which kinds of fault points are new or gone since the last test run, and keep these for the next."""
    from pytest_resilience.chaos.points.recording import Recording, difference

    cache = getattr(config, "cache", None)
    if cache is None:
        return []
    key = f"resilience/points/{clean.workload.name}"
    kept = cache.get(key, None)
    if not hasattr(config, "workerinput") or config.workerinput.get("workerid") == "gw0":
        cache.set(key, clean.recording.to_json())
    before = None if kept is None else Recording.from_json(kept)
    if before is None:
        return []
    changed = difference(before, clean.recording)
    if not changed:
        return []
    return [f"fault points of {clean.workload.name} since the last test run: {'; '.join(changed)}"]


def _explored(
    suite: Suite, name: str, clean: CleanRun, explore: str, *, checklist: bool
) -> Iterator[tuple[Experiment, str]]:
    from pytest_resilience.checklist.experiments.single_fault import SingleFault

    services = suite.configuration.services
    registries = [used for used in clean.workload.uses if services[used].kind == "mlflow"]
    probes = _probes(clean, explore, seed=suite.laboratory.seed, checklist=checklist, registries=registries)
    for probe in probes:
        single = SingleFault(suite.laboratory, name, probe, strict=checklist)
        yield single, single.item
    if explore.isdecimal():
        from pytest_resilience.checklist.experiments.schedule import schedules

        for schedule in schedules(suite.laboratory, name, int(explore)):
            yield schedule, schedule.item


def _probes(
    clean: CleanRun, explore: str, *, seed: int, checklist: bool, registries: Sequence[str]
) -> tuple[Probe, ...]:
    from pytest_resilience.chaos.explore.choice import (
        all_probes,
        first_of_each_class,
        one_of_each_class,
        spread_over_each_class,
        without_growth,
    )

    points = clean.recording.points
    if clean.workload.shape == "server":
        points = without_growth(points, calls=len(clean.record.calls))
    if explore == "exhaustive":
        return all_probes(points)
    sampled = one_of_each_class(points, seed=seed, registries=registries) if explore == "sample" else ()
    if not checklist:
        return sampled
    probes = all_probes(points)
    every = tuple(
        probe for probe in probes if probe.name in EVERY_POINT and probe.point.protocol == "postgres"
    )
    if clean.workload.shape == "server":
        every = first_of_each_class(every, most=OF_A_SERVER)
    else:
        every = spread_over_each_class(every, most=OF_A_JOB)
    kept = {(probe.point.service, probe.id) for probe in (*sampled, *every)}
    return tuple(probe for probe in probes if (probe.point.service, probe.id) in kept)
