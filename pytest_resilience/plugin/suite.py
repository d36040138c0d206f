"""The suite: what this test run knows of declared workloads, scenario files, and the runs that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_resilience.plugin.crew import Crew

if TYPE_CHECKING:
    from pytest_resilience.chaos.configuration.model import Configuration
    from pytest_resilience.chaos.laboratory.laboratory import Laboratory
    from pytest_resilience.chaos.scenario.model import Scenario
    from pytest_resilience.plugin.chaos_run import ChaosRun


@dataclass(slots=True)
class Suite:
    """What belongs to one test run.

    Args:
        configuration: what the team declared.
        scenarios: every scenario file below the scenarios folder, or named on the command line.
        laboratory: makes runs.
        crew: runs experiments ahead.
    """

    configuration: Configuration
    scenarios: Sequence[Scenario]
    laboratory: Laboratory
    crew: Crew
    _by_file: dict[Path, Scenario] = field(init=False)

    def __post_init__(self) -> None:
        self._by_file = {
            scenario.file.resolve(): scenario for scenario in self.scenarios if scenario.file is not None
        }

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


def make_suite(
    config: pytest.Config, run: ChaosRun, configuration: Configuration, scenarios: Sequence[Scenario]
) -> Suite:
    """Make the suite of a test run; nothing is started yet."""
    import os

    from pytest_resilience.chaos.laboratory.laboratory import Laboratory

    alone = not hasattr(config, "workerinput")
    workers = (os.cpu_count() or 1) if alone else 1
    laboratory = Laboratory(configuration, run.pool, run.folder, seed=run.seed)
    return Suite(configuration, scenarios, laboratory, Crew(workers))
