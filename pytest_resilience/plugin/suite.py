"""The suite: what this test run knows of declared workloads, scenario files, and the runs that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_resilience.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from pytest_resilience.chaos.configuration.model import Configuration
    from pytest_resilience.chaos.laboratory.laboratory import Laboratory
    from pytest_resilience.chaos.scenario.model import Scenario
    from pytest_resilience.checklist.waivers.waiver import Waiver
    from pytest_resilience.plugin.chaos_run import ChaosRun
    from pytest_resilience.plugin.crew import Crew

ENDINGS = (".yaml", ".yml")
PATIENCE = 10.0
"""Seconds that runs under way have to end in when the test run ends."""
LATE = "not reached within --chaos-budget"
"""What is said of each experiment for which no time was left."""
FOUND = "found"
"""The folder, in that of the report, of what exploration has found."""


@dataclass(slots=True)
class Suite:
    """What belongs to one test run.

    Args:
        configuration: what the team declared.
        scenarios: every scenario file below the scenarios folder, or named on the command line.
        laboratory: makes runs.
        crew: runs experiments ahead.
        budget: seconds for experiments, from the first one on; none is without end.
        waivers: what may fail, until when.
    """

    configuration: Configuration
    scenarios: Sequence[Scenario]
    laboratory: Laboratory
    crew: Crew
    budget: float | None = None
    waivers: Sequence[Waiver] = ()
    _began: float | None = None
    _by_file: dict[Path, Scenario] = field(init=False)

    def __post_init__(self) -> None:
        self._by_file = {
            scenario.file.resolve(): scenario for scenario in self.scenarios if scenario.file is not None
        }

    @property
    def is_over(self) -> bool:
        """Whether the budget is used up."""
        now = SYSTEM_CLOCK.monotonic()
        if self._began is None:
            self._began = now
        over = self.budget is not None and now - self._began > self.budget
        if over:
            self.crew.stop()
        return over

    def abandon(self) -> None:
        """Begin to end what is under way, and begin nothing else; safe to call twice."""
        self.crew.stop()
        self.laboratory.abort()

    def stop(self) -> None:
        """End what is under way."""
        self.abandon()
        self.crew.join(PATIENCE)
        self.laboratory.close()

    def unnamed(self, text: str) -> str:
        """Return a text without what tells who a patient is in the databases of the workloads."""
        from pytest_resilience.report.scrub import without

        return without(text, self.laboratory.identifiers)

    def scenario(self, file: Path) -> Scenario | None:
        """Return the scenario of a file; none where it holds none."""
        return self._by_file.get(file.resolve())

    def id_of(self, scenario: Scenario) -> str:
        """Return what reports call a scenario: its file below the scenarios folder."""
        file = (scenario.file or Path(scenario.title)).resolve()
        for root in (self.configuration.scenarios.resolve(), self.configuration.folder.resolve()):
            if file.is_relative_to(root):
                return file.relative_to(root).as_posix()
        return file.name


SUITE: pytest.StashKey[Suite] = pytest.StashKey()


def make_suite(config: pytest.Config, run: ChaosRun) -> Suite:
    """Make the suite of a test run; nothing is started yet.

    Raises:
        pytest.UsageError: scenario files or waivers are broken; all that is wrong in all of them.
    """
    import os

    from pytest_resilience.chaos.laboratory.laboratory import Laboratory
    from pytest_resilience.chaos.scenario.files import read_scenarios
    from pytest_resilience.checklist.waivers.file import read_waivers
    from pytest_resilience.errors import HarnessError
    from pytest_resilience.plugin.crew import Crew

    alone = not hasattr(config, "workerinput")
    laboratory = Laboratory(run.configuration, run.pool, run.folder, seed=run.seed)
    try:
        scenarios = read_scenarios([run.configuration.scenarios, *_named(config)], run.configuration)
        waivers = () if run.configuration.waivers is None else read_waivers(run.configuration.waivers)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    workers = (os.cpu_count() or 1) if alone else 1
    budget = config.getoption("resilience_budget", default=None)
    return Suite(run.configuration, scenarios, laboratory, Crew(workers), budget, waivers)


def _named(config: pytest.Config) -> list[Path]:
    """Return the files on the command line that may be scenarios, and folders of what exploration has found."""
    paths = [Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args]
    return [
        path
        for path in paths
        if (path.is_file() and path.suffix.lower() in ENDINGS) or (path.is_dir() and path.name == FOUND)
    ]
