"""Scenario files as pytest items: each is one run of a workload, and one verdict."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.plugin.outcome import UnprovenError, WrongError, keep, plainly
from pytest_resilience.plugin.replays import BEGIN, as_here, scenario_here
from pytest_resilience.plugin.suite import ENDINGS, SUITE, Suite

if TYPE_CHECKING:
    from pytest_resilience.chaos.laboratory.scenario_trial import TriedScenario
    from pytest_resilience.chaos.scenario.model import Scenario


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a scenario file."""
    suite = parent.config.stash.get(SUITE, None)
    if suite is None or file_path.suffix.lower() not in ENDINGS or suite.scenario(file_path) is None:
        return None
    collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
    return collector


class ScenarioFile(pytest.File):
    """A scenario file."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield its one item."""
        scenario = self.config.stash[SUITE].scenario(self.path)
        if scenario is not None:
            yield ScenarioItem.from_parent(self, name=scenario.title, scenario=scenario)


class ScenarioItem(pytest.Item):
    """A scenario."""

    def __init__(self, *, scenario: Scenario, **more: Any) -> None:
        super().__init__(**more)
        self.scenario = scenario
        self.add_marker(pytest.mark.chaos(proves=list(scenario.proves)))

    def runtest(self) -> None:
        """Run the workload under the scenario's faults, and judge it.

        Raises:
            WrongError: an expectation was not met.
            UnprovenError: it says nothing.
        """
        from pytest_resilience.plugin.facts import scenario_facts

        suite = self.config.stash[SUITE]
        name = scenario_here(self.config, self.nodeid)
        replay = as_here(self.config, f"{BEGIN} --chaos-seed={suite.laboratory.seed} {name}")
        tried = self._tried(suite, replay)
        keep(self, scenario_facts(suite.id_of(self.scenario), tried, replay=replay))
        why = suite.unnamed(tried.verdict.why or "")
        if tried.verdict.word == "failed":
            raise WrongError(suite.unnamed(tried.text), why)
        if tried.verdict.word == "unproven":
            raise UnprovenError(suite.unnamed(tried.text), f"unproven: {why}")

    def _tried(self, suite: Suite, replay: str) -> TriedScenario:
        """Try it, and let the report say so where that cannot be done."""
        from pytest_resilience.chaos.expectations.judgement import shortened
        from pytest_resilience.chaos.laboratory.scenario_trial import try_scenario
        from pytest_resilience.plugin.facts import untried_scenario_facts

        try:
            return try_scenario(suite.laboratory, self.scenario, replay=replay)
        except pytest.exit.Exception:
            raise
        except (Exception, pytest.fail.Exception) as error:  # the latter where its time is over
            said = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
            why = f"it could not be tried: {shortened(said, 300)}"
            facts = untried_scenario_facts(suite.id_of(self.scenario), self.scenario, why=why, replay=replay)
            keep(self, facts)
            raise

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what was expected and seen, in words, without a stack."""
        return plainly(excinfo) or super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where it stands."""
        return self.path, 0, f"scenario: {self.name}"
