"""Experiments that run ahead of pytest's reports."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.plugin.crew import AHEAD, Crew


@dataclass
class Tried:
    """An experiment that says when it was run."""

    id: str
    log: list[str]
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def run(self) -> ExperimentResult:
        """Wait for the gate."""
        self.log.append(self.id)
        self.gate.wait()
        if self.error is not None:
            raise self.error
        return ExperimentResult(outcome="passed", why=self.id)


def opened(number: int, log: list[str]) -> list[Tried]:
    """So many experiments that do not wait."""
    tried = [Tried(str(index), log) for index in range(number)]
    for each in tried:
        each.gate.set()
    return tried


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_each_result_is_its_experiments(workers: int) -> None:
    """However many run at once, and each once."""
    log: list[str] = []
    tried = opened(100, log)
    crew = Crew(workers)
    crew.expect(tried)
    results = [crew.result(each).why for each in tried]

    assert results == [each.id for each in tried]
    assert sorted(log, key=int) == results


def test_as_many_run_at_once_as_there_are_workers() -> None:
    """The second begins while the first has not ended."""
    log: list[str] = []
    first, second = Tried("1", log), Tried("2", log)
    second.gate.set()
    crew = Crew(2)
    crew.expect([first, second])
    threading.Thread(target=lambda: (crew.result(second), first.gate.set()), daemon=True).start()

    assert crew.result(first).why == "1"


def test_it_is_not_too_far_ahead() -> None:
    """What nobody has asked for is not run without bound."""
    log: list[str] = []
    tried = opened(100, log)
    crew = Crew(2)
    crew.expect(tried)
    crew.result(tried[0])

    assert len(log) <= 2 * AHEAD + 1


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    """And nowhere else."""
    tried = opened(3, [])
    tried[1].error = ValueError("no")
    crew = Crew(2)
    crew.expect(tried)

    assert crew.result(tried[0]).why == "0"
    with pytest.raises(ValueError, match="no"):
        crew.result(tried[1])
    assert crew.result(tried[2]).why == "2"


def test_a_stopped_crew_begins_nothing_more() -> None:
    """What runs is let run."""
    log: list[str] = []
    tried = opened(100, log)
    crew = Crew(2)
    crew.expect(tried)
    crew.result(tried[0])
    crew.stop()
    seen = len(log)

    assert seen <= 2 * AHEAD + 1
    assert len(log) <= seen + 2
