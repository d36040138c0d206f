"""Random schedules of several faults, as experiments that cores share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from pytest_resilience.chaos.explore.schedules.search import FoundSchedule, SearchResult, search
from pytest_resilience.chaos.explore.schedules.stroke import words
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.experiments.experiment import ExperimentResult, Found
from pytest_resilience.checklist.experiments.found_file import found_file
from pytest_resilience.checklist.experiments.single_fault import FIXES, details
from pytest_resilience.checklist.verdict import Evidence, Outcome

PART = 25
"""Schedules of one part."""
MOST_PARTS = 8


@dataclass(frozen=True)
class Schedules:
    """A part of the random schedules of a workload, up to the first that does harm.

    Args:
        laboratory: where runs are made.
        workload: its name.
        runs: how many schedules there are in all parts.
        part, parts: which part this is, from 1, and of how many.
    """

    laboratory: Laboratory
    workload: str
    runs: int
    part: int = 1
    parts: int = 1

    @cached_property
    def service(self) -> str:
        """The first service that the workload uses."""
        return self.laboratory.workload(self.workload).uses[0]

    @cached_property
    def item(self) -> str:
        """The checklist's item that it is about."""
        declared = self.laboratory.configuration.services[self.service]
        return "transactions" if declared.kind == "postgres" else "external-calls"

    @cached_property
    def id(self) -> str:
        """The item, the workload, its first service, and which part."""
        return f"{self.item}::{self.workload}::{self.service}::schedules-{self.part}-of-{self.parts}"

    @property
    def seed(self) -> int:
        """What the draws of this part follow from."""
        named = f"{self.laboratory.seed}\0{self.workload}\0{self.part}/{self.parts}"
        return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big")

    def run(self) -> ExperimentResult:
        """Search, and say what was found."""
        share = self.runs // self.parts + (self.part <= self.runs % self.parts)
        result = search(self.laboratory, self.workload, share, seed=self.seed)
        if result.found is None:
            return self._result("passed" if result.unproven is None else "unproven", _told(result))
        return self._failed(result.found)

    def _failed(self, found: FoundSchedule) -> ExperimentResult:
        finding = found.trial.finding
        sentence = words(found.schedule)
        why = f"{sentence}: {'; '.join(finding.wrongs)}"
        file = None
        if found.again:
            orders = [stroke.order for stroke in found.schedule]
            title = f"{self.workload}: {sentence}"
            file = found_file(self.laboratory, self.workload, orders, title, finding)
        else:
            why += "; replayed, it did not happen again: it depends on what else happens at that moment"
        return self._result("failed", why, found=found, file=file)

    def _result(
        self, outcome: Outcome, why: str, *, found: FoundSchedule | None = None, file: Found | None = None
    ) -> ExperimentResult:
        evidence = Evidence(
            item=self.item,
            kind="dynamic",
            subject=f"workload {self.workload} / service {self.service}",
            outcome=outcome,
            why=why,
            fix=FIXES[self.item] if outcome == "failed" else "",
            replay=self._replay() if outcome != "passed" else "",
        )
        record = None if found is None else found.trial.finding.record
        return ExperimentResult(
            outcome=outcome,
            why=why,
            details="" if record is None else "\n".join(details(record)),
            evidence=(evidence,),
            record=record,
            found=file,
        )

    def _replay(self) -> str:
        options = f"--chaos-explore={self.runs} --chaos-seed={self.laboratory.seed}"
        return f'pytest --chaos {options} "resilience::{self.id}"'


def schedules(laboratory: Laboratory, workload: str, runs: int) -> tuple[Schedules, ...]:
    """Return the experiments that together try so many random schedules; how many parts depends on `runs` alone."""
    if runs < 1 or not laboratory.workload(workload).uses:
        return ()
    parts = min(MOST_PARTS, -(-runs // PART))
    return tuple(Schedules(laboratory, workload, runs, part, parts) for part in range(1, parts + 1))


def _told(result: SearchResult) -> str:
    """Say why a search without a finding proves nothing; nothing where it does."""
    return (
        ""
        if result.unproven is None
        else f"none of {result.tried} schedules says anything: {result.unproven}"
    )
