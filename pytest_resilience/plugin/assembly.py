"""Which experiments there are: from the declared workloads, their clean runs, and the options."""

from __future__ import annotations

from collections.abc import Iterator
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


@dataclass(slots=True)
class Assembly:
    """The experiments of a test run.

    Args:
        experiments: in the order in which they run.
        items: the item of each, by its id.
        points: the fault points that they exercise.
    """

    experiments: list[Experiment] = field(default_factory=list)
    items: dict[str, str] = field(default_factory=dict)
    points: set[str] = field(default_factory=set)

    def add(self, experiment: Experiment, item: str) -> None:
        """Add one."""
        self.experiments.append(experiment)
        self.items[experiment.id] = item


def assemble(config: pytest.Config, suite: Suite) -> Assembly:
    """Return the experiments; makes the clean runs that they follow from."""
    assembly = Assembly()
    checklist = bool(config.getoption("resilience_checklist", default=False))
    for name in suite.configuration.workloads:
        _add_workload(assembly, config, suite, name, checklist=checklist)
    if checklist:
        from pytest_resilience.checklist.experiments.all import experiments_of_items

        for item, experiment in experiments_of_items(suite.laboratory):
            assembly.add(experiment, item)
    return assembly


def _add_workload(
    assembly: Assembly, config: pytest.Config, suite: Suite, name: str, *, checklist: bool
) -> None:
    from pytest_resilience.checklist.experiments.broken import NothingToBreak

    try:
        clean = suite.laboratory.clean(name)
    except HarnessError as error:
        nothing = NothingToBreak(name, str(error))
        assembly.add(nothing, nothing.item)
        return
    if clean.why_not is not None:
        nothing = NothingToBreak(name, clean.why_not, clean.record)
        assembly.add(nothing, nothing.item)
        return
    explore = str(config.getoption("resilience_explore", default="sample"))
    for experiment, item in _explored(suite, name, clean, explore, checklist=checklist):
        assembly.add(experiment, item)
    assembly.points |= {f"{name}/{point.service}/{point.id}" for point in clean.recording.points}


def _explored(
    suite: Suite, name: str, clean: CleanRun, explore: str, *, checklist: bool
) -> Iterator[tuple[Experiment, str]]:
    from pytest_resilience.checklist.experiments.single_fault import SingleFault

    for probe in _probes(clean, explore, seed=suite.laboratory.seed, checklist=checklist):
        single = SingleFault(suite.laboratory, name, probe)
        yield single, single.item
    if explore.isdecimal():
        from pytest_resilience.checklist.experiments.schedule import schedules

        for schedule in schedules(suite.laboratory, name, int(explore)):
            yield schedule, schedule.item


def _probes(clean: CleanRun, explore: str, *, seed: int, checklist: bool) -> tuple[Probe, ...]:
    from pytest_resilience.chaos.explore.choice import all_probes, one_of_each_class

    points = clean.recording.points
    if explore == "exhaustive":
        return all_probes(points)
    sampled = one_of_each_class(points, seed=seed) if explore == "sample" else ()
    if not checklist:
        return sampled
    kept = {(probe.point.service, probe.id) for probe in sampled}
    return tuple(
        probe
        for probe in all_probes(points)
        if (probe.point.service, probe.id) in kept
        or (probe.name in EVERY_POINT and probe.point.protocol == "postgres")
    )
