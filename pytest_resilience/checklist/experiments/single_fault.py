"""One fault at one fault point of a workload, judged by what surviving means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pytest_resilience.chaos.expectations.text import trace
from pytest_resilience.chaos.explore.exploration import Finding, explore
from pytest_resilience.chaos.explore.probe import Probe
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.experiments.experiment import ExperimentResult, Found
from pytest_resilience.checklist.experiments.found_file import found_file
from pytest_resilience.checklist.verdict import Evidence, Outcome

FIXES = {
    "external-calls": "Catch the client's errors where the call is made, give up in time, and say what was lost.",
    "transactions": "Put the statements that belong together into one transaction, and make a second try of a unit "
    "whose COMMIT went unanswered harmless: a key that is unique, or a look whether it is there.",
    "checkpoints": "Save the position in the same transaction as the data it stands for, and resume from it.",
}


@dataclass(frozen=True)
class SingleFault:
    """One probe as an experiment.

    Args:
        laboratory: where runs are made.
        workload: its name.
        probe: what is broken where.
    """

    laboratory: Laboratory
    workload: str
    probe: Probe

    @cached_property
    def item(self) -> str:
        """The checklist's item that it is about."""
        return item_of(self.probe)

    @cached_property
    def id(self) -> str:
        """The item, the workload, the service and the fault point."""
        return f"{self.item}::{self.workload}::{self.probe.point.service}::{self.probe.id}"

    @property
    def place(self) -> str:
        """The fault point, whatever is tried at it."""
        return f"{self.workload}/{self.probe.point.service}/{self.probe.point.id}"

    def run(self) -> ExperimentResult:
        """Run the workload with the fault, and judge it."""
        finding = explore(self.laboratory, self.workload, [self.probe.order], title=self.id)
        outcome: Outcome = "unproven" if finding.unproven else "passed" if finding.survived else "failed"
        why = finding.unproven or "; ".join(finding.wrongs)
        evidence = Evidence(
            item=self.item,
            kind="dynamic",
            subject=f"workload {self.workload} / service {self.probe.point.service}",
            outcome=outcome,
            why=why and f"{self.probe.title}: {why}",
            fix=FIXES[self.item] if outcome == "failed" else "",
            replay=f'pytest --chaos "resilience::{self.id}"' if outcome != "passed" else "",
        )
        return ExperimentResult(
            outcome=outcome,
            why=why and f"{self.probe.title}: {why}",
            details="\n".join(details(finding.record)),
            evidence=(evidence,),
            point=self.place,
            record=finding.record,
            found=self._found(finding) if outcome == "failed" else None,
        )

    def _found(self, finding: Finding) -> Found | None:
        title = f"{self.workload}: {self.probe.title}"
        return found_file(self.laboratory, self.workload, [self.probe.order], title, finding)


def item_of(probe: Probe) -> str:
    """Return the item that a probe is evidence for."""
    if probe.name == "kill":
        return "checkpoints"
    if probe.point.protocol == "postgres" and probe.point.message != "Startup" and probe.name != "hang":
        return "transactions"
    return "external-calls"


def details(record: RunRecord) -> list[str]:
    """Return what helps to mend it: the messages around the fault, and the workload's last words."""
    lines = ["Messages around the fault:", *(f"  {line}" for line in trace(record))]
    for number, process in enumerate(record.processes, 1):
        status = "blocked" if process.blocked else f"status {process.exit_code}"
        lines.append(f"Start {number}: {status}")
        lines += [f"  {line}" for line in process.stderr.splitlines()[-8:]]
    return lines
