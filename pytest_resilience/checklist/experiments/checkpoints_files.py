"""Kills around each step on a local file, which may be a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.workload.control import Decision, FileEvent
from pytest_resilience.checklist.experiments.checkpoints_kill import ITEM, Resumed
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.records.unsynced import unsynced
from pytest_resilience.checklist.verdict import Evidence

MOST_KILLS = 60
"""Kills around steps on files; of more, some of each kind of step are taken."""
MOST_FAILURES = 3
"""Failures after which no more kills are tried: they tell the same."""
_REMOVE = ("unlink ", "remove ")


@dataclass(slots=True)
class Steps:
    """The steps on files of one run, in order, and the one at which it is killed.

    Args:
        log: the file of the workload's log, whose lines are no checkpoints.
        fatal: the number of the step, from 0; none kills nowhere.
    """

    log: str
    fatal: int | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, event: FileEvent) -> Decision:
        """Note a step, and say whether it is the last."""
        path = event.what.partition(" ")[2]
        if path == self.log or "__pycache__" in path:
            return "continue"
        self.seen.append((event.when, event.what))
        return "kill" if len(self.seen) - 1 == self.fatal else "continue"

    @property
    def have_removed(self) -> bool:
        """Whether a file was taken away up to the fatal step."""
        until = None if self.fatal is None else self.fatal + 1
        return any(when == "after" and what.startswith(_REMOVE) for when, what in self.seen[:until])

    def plan(self, resumed: Resumed) -> Plan:
        """Return the plan of a run in which they are looked at."""
        return resumed.laboratory.plan(resumed.workload, file_events=self.ask).tweaked(control=True)


@dataclass(frozen=True, slots=True)
class KillsAtFiles:
    """Kills before and after each step on a file below the working folder.

    Args:
        resumed: the workload.
    """

    resumed: Resumed

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service."""
        return f"{ITEM}::{self.resumed.workload}::{self.resumed.service}::files"

    def run(self) -> ExperimentResult:
        """Look which steps there are, then kill at each."""
        steps = Steps(self.resumed.laboratory.configuration.logs)
        record, _ = self.resumed.run(steps.plan(self.resumed), f"{self.id}: the steps on files")
        case = self.resumed.case(self.id)
        if record.untweaked is not None:
            why = f"its steps on files cannot be seen ({record.untweaked}); it is killed at each message instead"
            return result_of([case.not_applicable(why)], record)
        if not steps.seen:
            return result_of([case.not_applicable("it writes no file below its working folder")], record)
        evidence, worst = self._kill_at_each(steps.seen)
        told = tuple(unsynced(what for when, what in steps.seen if when == "before"))
        evidence[-1] = replace(evidence[-1], warnings=(*evidence[-1].warnings, *told))
        return result_of(evidence, worst)

    def _kill_at_each(self, seen: Sequence[tuple[str, str]]) -> tuple[list[Evidence], RunRecord | None]:
        evidence: list[Evidence] = []
        worst: RunRecord | None = None
        for number in sampled([when + _kind(what) for when, what in seen], MOST_KILLS):
            when, what = seen[number]
            found, record = self._kill(number, f"killed {when} {what} ({number + 1} of {len(seen)})")
            evidence.append(found)
            if found.outcome == "failed":
                worst = worst or record
            if sum(each.outcome == "failed" for each in evidence) >= MOST_FAILURES:
                break
        return evidence, worst

    def _kill(self, number: int, where: str) -> tuple[Evidence, RunRecord]:
        steps = Steps(self.resumed.laboratory.configuration.logs, fatal=number)
        record, found = self.resumed.run(steps.plan(self.resumed), f"{self.id}: {where}")
        evidence = self.resumed.judge(record, found, where, self.id, removed=steps.have_removed)
        return evidence, record


def sampled(kinds: Sequence[str], most: int) -> list[int]:
    """Return the numbers of at most so many steps: all, or of each kind the first, the last and others between."""
    if len(kinds) <= most:
        return list(range(len(kinds)))
    places: dict[str, list[int]] = {}
    for number, kind in enumerate(kinds):
        places.setdefault(kind, []).append(number)
    share = max(2, most // len(places))
    taken = {number for own in places.values() for number in _spread(own, share)}
    return _spread(sorted(taken), most)


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    if len(numbers) <= most:
        return list(numbers)
    return sorted({numbers[round(n * (len(numbers) - 1) / (most - 1))] for n in range(most)})


def _kind(what: str) -> str:
    return re.sub(r"\d+", "N", what)
