"""Runs that need nobody, in which no alert may come: undisturbed, and with a fault that a retry survives."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.exposure import has_answered
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.judges import alerts
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import worked
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.verdict import Evidence

ITEM = alerts.ITEM


@dataclass(frozen=True, slots=True)
class Quiet:
    """A workload undisturbed.

    Args:
        laboratory: where its clean run is.
        workload: its name.
    """

    laboratory: Laboratory
    workload: str

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item and the workload."""
        return f"{ITEM}::{self.workload}::undisturbed"

    def run(self) -> ExperimentResult:
        """Look at the clean run, which was made already."""
        clean = self.laboratory.clean(self.workload)
        evidence = alerts.judge_control(
            clean.record,
            workload=clean.workload,
            alerts=self.laboratory.configuration.alerts,
            replay=replay_of(self.id),
        )
        return result_of([replace(evidence, subject=subject_of(self.workload))], clean.record)


@dataclass(frozen=True, slots=True)
class Transient:
    """A fault that passes at once.

    Args:
        laboratory: where runs are made.
        workload: its name.
        service: where the fault is.
        order: the fault.
    """

    laboratory: Laboratory
    workload: str
    service: str
    order: FaultOrder

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service."""
        return f"{ITEM}::{self.workload}::{self.service}::transient"

    def run(self) -> ExperimentResult:
        """Run the workload with one short fault; where no retry survives it, an alert is right."""
        clean = self.laboratory.clean(self.workload)
        plan = self.laboratory.plan(
            self.workload,
            [self.order],
            workload=replace(clean.workload, resume="none"),
            prompt=True,
            enough=has_answered,
        )
        with self.laboratory.trial(self.laboratory.masked(plan, clean), self.id) as trial:
            record = trial.record
        return result_of([self._judged(record)], record)

    def _judged(self, record: RunRecord) -> Evidence:
        replay = replay_of(self.id)
        case = Case(item=ITEM, subject=subject_of(self.workload, self.service), replay=replay)
        if record.first_receipt is not None and not worked(record):
            return case.not_applicable("no retry survives a short fault, so that an alert of it is right")
        evidence = alerts.judge_control(
            record,
            workload=self.laboratory.workload(self.workload),
            name="a fault that a retry survived",
            alerts=self.laboratory.configuration.alerts,
            replay=replay,
        )
        why = f"a fault that a retry survived: {evidence.why}" if evidence.why else ""
        return replace(evidence, subject=case.subject, why=why)
