"""Who waits long for an experiment is told what is under way, and nobody else is told anything."""

from __future__ import annotations

from typing import Any

import pytest
from ingestion import SCENARIO, write_ingestion

from pytest_resilience.clock import SystemClock
from pytest_resilience.plugin.watch import QUIET, Watch

EXPERIMENT = "resilience::transactions::ingest::warehouse"


class HandClock(SystemClock):
    """A clock that is put forward by hand."""

    now = 0.0

    def monotonic(self) -> float:
        """Return what it shows."""
        return self.now


class Watched:
    """A watch, and its clock."""

    def __init__(self, **how: Any) -> None:
        self.clock = HandClock()
        self.watch = Watch(**{"first": False, "clock": self.clock} | how)

    def after(self, seconds: float) -> str | None:
        """Say what there is to say then."""
        self.clock.now += seconds
        return self.watch.news()


@pytest.fixture
def watched() -> Any:
    """Make watches, and end them."""
    made: list[Watched] = []

    def make(**how: Any) -> Watched:
        made.append(Watched(**how))
        return made[-1]

    yield make
    for one in made:
        one.watch.pytest_sessionfinish()


def test_what_lasts_is_named_more_and_more_seldom(watched: Any) -> None:
    """A run of an hour is no hour of messages."""
    one = watched()
    one.watch.pytest_runtest_logstart(EXPERIMENT)
    said = [one.after(QUIET / 2) for _ in range(8)]

    assert [bool(words) for words in said] == [False, True, False, True, False, False, False, True]
    assert said[1] == f"resilience: under way for 60 s: {EXPERIMENT}"
    assert said[7] == f"resilience: under way for 240 s: {EXPERIMENT}"


def test_what_pytest_has_shown_is_news(watched: Any) -> None:
    """With workers others end meanwhile; the oldest is named, and how many there are."""
    one = watched()
    for name in (EXPERIMENT, "scenarios/lost.yaml::Lost", "scenarios/b.yaml::B"):
        one.watch.pytest_runtest_logstart(name)
    one.after(QUIET / 2)
    one.watch.pytest_runtest_logfinish("scenarios/b.yaml::B")

    assert one.after(QUIET / 2) is None
    assert one.after(QUIET / 2) == f"resilience: under way for 90 s: {EXPERIMENT}, and 1 more"


def test_a_teams_own_test_is_its_own_affair(watched: Any) -> None:
    """It may take an hour, and no thread is beside it."""
    one = watched()
    one.watch.pytest_sessionstart()
    one.watch.pytest_runtest_logstart("tests/test_a.py::test_long")

    assert one.after(10 * QUIET) is None
    assert one.watch.thread.ident is None


def test_the_first_run_is_told_until_something_begins(watched: Any) -> None:
    """Servers start and workloads run before there is a first item."""
    one = watched(first=True)

    assert one.after(QUIET) == "resilience: the workloads run undisturbed, for 60 s"
    one.watch.pytest_runtest_logstart("tests/test_a.py::test_long")
    assert one.after(10 * QUIET) is None


@pytest.mark.parametrize("options", [(), ("-n", "1"), ("-v",), ("-q",)])
def test_it_is_shown_in_the_terminal(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """Beside what pytest shows, also by its controller; not with `-q`, and not in what a test has written."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO)
    pytester.makeconftest("from pytest_resilience.plugin import watch\nwatch.QUIET = 0.01")
    result = pytester.runpytest_subprocess("--chaos", "--chaos-explore=off", *options)

    result.assert_outcomes(passed=1)
    lines = [line for line in result.outlines if line.startswith("resilience: under way for ")]
    assert bool(lines) is (options != ("-q",))
    assert all(line.endswith(": scenarios/lost.yaml::The reply to a COMMIT is lost") for line in lines)
