"""One fault at one fault point of a workload, judged by what surviving means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from pytest_resilience.chaos.expectations.text import trace
from pytest_resilience.chaos.explore.exploration import Finding, explore
from pytest_resilience.chaos.explore.probe import Probe
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.experiments.experiment import ExperimentResult, Found
from pytest_resilience.checklist.experiments.found_file import found_file
from pytest_resilience.checklist.experiments.in_time import slower
from pytest_resilience.checklist.judges import checkpoints, transactions
from pytest_resilience.checklist.judges.answered_requests import broken_promises, has_kept
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.client_advice import advised
from pytest_resilience.checklist.judges.deliveries import fix_of, undelivered, with_repeats
from pytest_resilience.checklist.judges.external_calls import is_blocked
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.verdict import OPEN, Evidence, Outcome

FIXES = {
    "external-calls": "Catch the client's errors where the call is made, give it a time-out, and say what was lost.",
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
        strict: judge it as the checklist does, which asks for more than surviving.
    """

    laboratory: Laboratory
    workload: str
    probe: Probe
    strict: bool = False

    @cached_property
    def item(self) -> str:
        """The checklist's item that it is about."""
        return item_of(self.probe, self._clean)

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
        finding = self._explored()
        if finding.never_fired:
            finding = self._explored()  # what comes by in no fixed order may come by the next time
        workload = self._clean.workload
        if is_blocked(finding.record, workload) and (scale := slower(finding.record, workload.deadline)):
            finding = self._explored(time_scale=scale)
        lost = (*undelivered(finding.record, self._clean), *broken_promises(finding.record, self._clean))
        finding = replace(finding, wrongs=(*finding.wrongs, *lost))
        evidence = self._evidence(finding)
        kind = self.laboratory.configuration.services[self.probe.point.service].kind
        evidence = None if evidence is None else advised(evidence, kind)
        worst = evidence if self.strict and evidence is not None else self._survived(finding)
        return ExperimentResult(
            outcome=worst.outcome,
            why=worst.why,
            details="\n".join(details(finding.record)),
            evidence=() if evidence is None else (evidence,),
            point=self.place,
            record=finding.record,
            found=self._found(finding) if finding.wrongs and finding.unproven is None else None,
        )

    def _explored(self, *, time_scale: float | None = None) -> Finding:
        rests = has_kept(self._clean) if self.probe.name == "kill" else None
        return explore(
            *(self.laboratory, self.workload, [self.probe.order]),
            title=self.id,
            rests=rests,
            time_scale=time_scale,
        )

    def _survived(self, finding: Finding) -> Evidence:
        """Say whether it survived."""
        outcome: Outcome = "unproven" if finding.unproven else "passed" if finding.survived else "failed"
        why = finding.unproven or "; ".join(finding.wrongs)
        return Evidence(
            item=self.item,
            kind="dynamic",
            subject=self._case.subject,
            outcome=outcome,
            why=why and f"{self.probe.title}: {why}",
            fix=fix_of(finding.wrongs, FIXES[self.item]) if outcome == "failed" else "",
            replay=self._case.replay if outcome != "passed" else "",
        )

    def _evidence(self, finding: Finding) -> Evidence | None:
        """Return what it says about the item: what the item's own judge says, and what surviving means, both.

        Nothing where it says nothing: a workload whose writes need no transaction was killed.
        """
        survived, judged = self._survived(finding), self._judged(finding.record)
        if judged is None:
            is_call = self.item == "external-calls" and self.probe.name != "kill"
            return survived if is_call or survived.outcome != "passed" else None
        if judged.outcome not in OPEN and survived.outcome != "passed":
            return survived
        why = judged.why and f"{self.probe.title}: {judged.why}"
        replay = judged.replay if judged.outcome in OPEN else ""
        told = replace(judged, subject=self._case.subject, why=why, replay=replay)
        return with_repeats(told, finding.record, self._clean)

    def _judged(self, record: RunRecord) -> Evidence | None:
        clean, replay = self._clean, self._case.replay
        if self.item == transactions.ITEM:
            return transactions.judge(
                record,
                clean=clean.record,
                workload=clean.workload,
                service=self.probe.point.service,
                replay=replay,
            )
        if self.item == checkpoints.ITEM:
            service = checkpoints.resumable(clean.record, clean.workload) or self.probe.point.service
            if came_too_late(record):
                return None
            return checkpoints.judge_kill(
                record, clean=clean.record, workload=clean.workload, service=service, replay=replay
            )
        return None

    def _found(self, finding: Finding) -> Found | None:
        title = f"{self.workload}: {self.probe.title}"
        return found_file(self.laboratory, self.workload, [self.probe.order], title, finding)

    @property
    def _case(self) -> Case:
        subject = subject_of(self.workload, self.probe.point.service)
        return Case(item=self.item, subject=subject, replay=replay_of(self.id, checklist=self.strict))

    @property
    def _clean(self) -> CleanRun:
        return self.laboratory.clean(self.workload)


def item_of(probe: Probe, clean: CleanRun) -> str:
    """Return the item that a probe is evidence for: that of the promise which it tries, where that is asked for."""
    point = probe.point
    if probe.name == "kill" and kills_ask_for_checkpoints(clean):
        return checkpoints.ITEM
    breaks_off = point.protocol == "postgres" and point.message != "Startup" and probe.name != "hang"
    asked = transactions.why_not_asked(clean.record, workload=clean.workload, service=point.service) is None
    return transactions.ITEM if breaks_off and asked else "external-calls"


def kills_ask_for_checkpoints(clean: CleanRun) -> bool:
    """Tell whether a workload that is killed has a position to go on from."""
    declared = clean.workload
    can_resume = declared.major_operation and declared.resume == "rerun" and declared.shape == "job"
    return can_resume and checkpoints.resumable(clean.record, declared) is not None


def came_too_late(record: RunRecord) -> bool:
    """Tell whether a kill met a workload that had ended well by itself."""
    return len(record.processes) == 1 and not record.processes[0].killed and record.exit_code == 0


def details(record: RunRecord) -> list[str]:
    """Return what helps to mend it: the messages around the fault, and the workload's last words."""
    lines = ["Messages around the fault:", *(f"  {line}" for line in trace(record))]
    for number, process in enumerate(record.processes, 1):
        status = "blocked" if process.blocked else f"status {process.exit_code}"
        lines.append(f"Start {number}: {status}")
        words = process.stderr.strip() or process.stdout  # of `logs = "stdout"` all is there
        lines += [f"  {line}" for line in words.splitlines()[-8:]]
    return lines
