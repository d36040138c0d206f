"""Experiments as pytest items, `resilience::<item>::<workload>::<service>[::<fault point>]`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.chaos.shell_word import shell_word
from pytest_resilience.plugin.outcome import UnprovenError, WrongError, keep, plainly
from pytest_resilience.plugin.replays import BEGIN, as_here
from pytest_resilience.plugin.suite import LATE, SUITE

if TYPE_CHECKING:
    from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
    from pytest_resilience.checklist.waivers.waiver import Waiver

ROOT = "resilience"


class ExperimentCollector(pytest.Collector):
    """Where the experiments hang in pytest's tree."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield nothing: its items are made once all that they need is known."""
        return []


class ExperimentItem(pytest.Item):
    """One experiment."""

    def __init__(self, *, experiment: Experiment, **more: Any) -> None:
        super().__init__(**more)
        self.experiment = experiment
        self.add_marker(pytest.mark.chaos)
        self.extra_keyword_matches.update(getattr(experiment, "also", ()))  # `-k messages`

    def runtest(self) -> None:
        """Try it, or wait for who has begun to; what a waiver covers is expected to fail.

        Raises:
            WrongError: the code under test did something wrong.
            UnprovenError: it says nothing.
        """
        from pytest_resilience.checklist.experiments.beside import with_beside
        from pytest_resilience.plugin.facts import facts_of

        suite = self.config.stash[SUITE]
        if suite.is_over:
            pytest.skip(f"{LATE}={suite.budget:g}")
        result = suite.crew.result(self.experiment)
        if self.config.getoption("resilience_checklist", default=False):
            result = with_beside(self.experiment, result, suite.laboratory)
        keep(self, facts_of(self.experiment.id, result))
        if result.outcome == "not-applicable":
            pytest.skip(result.why)
        lines = (result.why, suite.unnamed(result.details), self._replay())
        text = "\n".join(line for line in lines if line)
        if (waiver := self._waiver(result)) is not None:
            said = f"waived until {waiver.expires} by {waiver.owner}: {waiver.reason}"
            pytest.xfail(f"{said} (it covers: {result.why})")
        if result.outcome == "failed":
            raise WrongError(text, result.why)
        if result.outcome == "unproven":
            raise UnprovenError(f"unproven: {text}", f"unproven: {result.why}")

    def _waiver(self, result: ExperimentResult) -> Waiver | None:
        """Return the first waiver under which the gate lets the experiment fail; none where it does not."""
        from pytest_resilience.checklist.waivers.waiver import covering

        if not self.config.getoption("resilience_checklist", default=False):
            return None
        today = datetime.now(UTC).date()
        return covering(self.config.stash[SUITE].waivers, result.evidence, today=today)

    def _replay(self) -> str:
        options = [f"--chaos-seed={self.config.stash[SUITE].laboratory.seed}"]
        if self.config.getoption("resilience_checklist", default=False):
            options.insert(0, "--checklist")  # which is stricter
        if (schedules := str(self.config.getoption("resilience_explore"))).isdecimal():
            options.append(f"--chaos-explore={schedules}")
        command = " ".join((BEGIN, *options, shell_word(self.nodeid)))
        return f"Replay: {as_here(self.config, command)}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the words without a stack."""
        return plainly(excinfo) or super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return its name: it stands in no file."""
        return Path(ROOT), None, self.name


def experiment_items(session: pytest.Session, experiments: Sequence[Experiment]) -> Iterator[ExperimentItem]:
    """Yield the items of experiments."""
    root = ExperimentCollector.from_parent(session, name=ROOT, nodeid=ROOT)
    for experiment in experiments:
        yield ExperimentItem.from_parent(root, name=experiment.id, experiment=experiment)
