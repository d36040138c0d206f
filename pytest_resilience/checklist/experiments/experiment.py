"""An experiment: one thing that is tried on a workload, and what it says about the checklist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.runbooks import Drilled
from pytest_resilience.checklist.verdict import Evidence, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something wrong that exploration has found, as a scenario file that replays it.

    Args:
        slug: the file's name, without its ending.
        text: the file's content.
        why: what is wrong.
    """

    slug: str
    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentResult:
    """What an experiment came to.

    Args:
        outcome: what it says.
        why: what was seen, in one or two sentences; empty where it passed.
        details: more for people who have to mend it: messages, logs.
        evidence: what it says about items.
        point: the fault point that was exercised; none where it was not about one.
        record: the run, for the report's time line.
        found: what replays it, where exploration has found it.
        drilled: what a drill of a runbook came to.
    """

    outcome: Outcome
    why: str = ""
    details: str = ""
    evidence: tuple[Evidence, ...] = ()
    point: str | None = None
    record: RunRecord | None = None
    found: Found | None = None
    drilled: Drilled | None = None


class Experiment(Protocol):
    """One thing to try; any thread may run it, once."""

    @property
    def id(self) -> str:
        """`<item>::<workload>::<service>[::<fault point>]`, unique in the test run."""

    def run(self) -> ExperimentResult:
        """Try it.

        Raises:
            HarnessError: something of ours did not work, so that nothing is known.
        """
