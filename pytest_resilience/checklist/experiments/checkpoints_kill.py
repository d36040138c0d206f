"""A run that is killed and started again, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_resilience.chaos.explore.oracle import wrongs
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import FaultRecord, RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.judges import checkpoints
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.deliveries import fix_of, undelivered, with_repeats
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.verdict import Evidence

ITEM = checkpoints.ITEM


@dataclass(frozen=True, slots=True)
class Resumed:
    """A workload that is killed and resumed.

    Args:
        laboratory: where runs are made.
        workload: its name.
        service: where its rows go.
    """

    laboratory: Laboratory
    workload: str
    service: str

    @property
    def clean(self) -> CleanRun:
        """Its clean run."""
        return self.laboratory.clean(self.workload)

    def case(self, name: str) -> Case:
        """Return the case of an experiment."""
        replay = replay_of(name)
        return Case(item=ITEM, subject=subject_of(self.workload, self.service), replay=replay)

    def run(self, plan: Plan, title: str) -> tuple[RunRecord, tuple[str, ...]]:
        """Run a plan; return what was seen, and what it did wrong."""
        masked = self.laboratory.masked(replace(plan, states=True, prompt=True), self.clean)
        with self.laboratory.trial(masked, title) as trial:
            found = wrongs(trial, self.clean, self.laboratory.configuration.folder)
            return trial.record, (*found, *undelivered(trial.record, self.clean))

    def judge(
        self, record: RunRecord, found: tuple[str, ...], where: str, name: str, *, removed: bool = False
    ) -> Evidence:
        """Return what is said of a kill: what its own judge says, and what surviving means, both.

        Args:
            record: the run.
            found: what it did wrong.
            where: it was killed, in words.
            name: of the experiment.
            removed: whether it had taken a file away before.
        """
        case = self.case(name)
        evidence = checkpoints.judge_kill(
            fired_only(record),
            clean=self.clean.record,
            workload=self.clean.workload,
            service=self.service,
            removed=removed,
            replay=case.replay,
        )
        if evidence.outcome == "passed" and found:
            evidence = case.failed("; ".join(found), fix_of(found, checkpoints.TOGETHER))
        why = evidence.why and f"{where}: {evidence.why}"
        return with_repeats(replace(evidence, subject=case.subject, why=why), record, self.clean)


def fired_only(record: RunRecord) -> RunRecord:
    """Return a run without the faults that never fired, where others did; a kill by ourselves is a fault too."""
    faults = [fault for fault in record.faults if fault.receipts] or list(record.faults)
    if not faults:
        faults = [_kill_at(process.ended or 0.0) for process in record.processes if process.killed]
    return replace(record, faults=tuple(faults))


def _kill_at(moment: float) -> FaultRecord:
    return FaultRecord(
        order=FaultOrder(on=None, when=When(after=moment), kind="kill"),
        receipts=(Receipt(at=moment, service="workload", kind="kill"),),
        injected_at=moment,
        healed_at=moment,
    )
