"""One fault of one service, and what it says of calls, logs and messages: one run, evidence for three items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.laboratory.trial import Trial
from pytest_resilience.chaos.run.exposure import has_answered
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.exposed import has_alerted_soon
from pytest_resilience.checklist.experiments.in_time import trial_in_time
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.said import Said, no_services, no_traffic
from pytest_resilience.checklist.experiments.service_faults import ServiceFault, service_faults
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges import external_calls, messages, structured_logs
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.client_advice import advised
from pytest_resilience.checklist.judges.proof import uses
from pytest_resilience.checklist.records.asides import asides
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.thresholds import BACK_WITHIN, BLOCKED_DEADLINES
from pytest_resilience.checklist.verdict import Evidence

ITEM = external_calls.ITEM
ITEMS = (external_calls.ITEM, structured_logs.ITEM, messages.ITEM)
CALLS = 5
"""Calls of a function in one run: the fault meets the first, or all."""


@dataclass(frozen=True, slots=True)
class FailingService:
    """A workload one of whose services fails in one way.

    Args:
        laboratory: where runs are made.
        workload: its name.
        service: the one that fails.
        fault: how.
    """

    laboratory: Laboratory
    workload: str
    service: str
    fault: ServiceFault

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def also(self) -> tuple[str, ...]:
        """The other items that it says something about."""
        return (structured_logs.ITEM, messages.ITEM)

    @property
    def id(self) -> str:
        """The item, the workload, the service and the fault."""
        return f"{ITEM}::{self.workload}::{self.service}::{self.fault.name}"

    def run(self) -> ExperimentResult:
        """Run the workload once under the fault, and judge what it did, logged and said."""
        clean = self.laboratory.clean(self.workload)
        plan = self.laboratory.masked(self._plan(clean), clean)
        late = partial(external_calls.is_blocked, workload=clean.workload)
        with trial_in_time(self.laboratory, plan, self.id, late=late) as trial:
            evidence = tuple(self._told(each) for each in self._judged(trial, clean))
        return result_of(evidence, trial.record)

    def _plan(self, clean: CleanRun) -> Plan:
        """One start is enough: what the next ones do is for other items.

        What is done after the answers is given as long as an alert has; a server, which may go as soon as it answers
        again, as long as a breaker may take to let it.
        """
        declared = replace(clean.workload, resume="none", calls=min(clean.workload.calls, CALLS))
        return self.laboratory.plan(
            self.workload,
            [self.fault.order],
            workload=declared,
            states=declared.shape == "job" and bool(clean.recording.of(self.service)),
            patience=BLOCKED_DEADLINES,
            prompt=True,
            settles=self._may_leak(clean),
            enough=has_alerted_soon
            if asides(clean.record, self.service).later
            else partial(has_answered, answers=self.fault.answers),
            recovers_within=1.1 * BACK_WITHIN,
        )

    def _may_leak(self, clean: CleanRun) -> bool:
        """Whether to look what a server keeps of a database when calls have failed that do not hang."""
        kinds = self.laboratory.configuration.services
        databases = [used for used in clean.workload.uses if kinds[used].kind == "postgres"]
        lasting = self.fault.order.kind == "respond" and self.fault.order.seconds is not None
        return clean.workload.shape == "server" and bool(databases) and lasting

    def _judged(self, trial: Trial, clean: CleanRun) -> Iterator[Evidence]:
        record, service, declared = trial.record, self.service, clean.workload
        boundary, replay = self.laboratory.configuration.boundary, replay_of(self.id)
        yield external_calls.judge(
            record,
            clean=clean.record,
            workload=declared,
            service=service,
            boundary=boundary,
            may_go_unseen=self.fault.may_go_unseen,
            replay=replay,
        )
        yield structured_logs.judge(
            record, clean=clean.record, workload=declared, service=service, boundary=boundary, replay=replay
        )
        yield messages.judge(
            record,
            clean=clean.record,
            workload=declared,
            service=service,
            canaries=self.fault.planted,
            replay=replay,
        )

    def _told(self, evidence: Evidence) -> Evidence:
        """Return it about the service as a whole, so that what is passed under all its faults is one finding."""
        why = f"{self.fault.title}: {evidence.why}" if evidence.why else ""
        told = replace(evidence, subject=subject_of(self.workload, self.service), why=why)
        return advised(told, self.laboratory.configuration.services[self.service].kind)


def failing_services(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield each fault of each service that each workload uses."""
    services = laboratory.configuration.services
    for clean in working(laboratory):
        name = clean.workload.name
        if not clean.workload.uses:
            yield no_services(ITEM, name, ITEMS) if not clean.record.outside else _undeclared(clean)
        for service in clean.workload.uses:
            if not uses(clean.record, service) and not clean.record.bypasses:
                yield no_traffic(ITEM, name, service, ITEMS)
                continue
            for fault in service_faults(clean, service, services[service].kind):
                yield FailingService(laboratory, name, service, fault)


def _undeclared(clean: CleanRun) -> Said:
    """Say of a workload that declares no service that it has one, which cannot fail unless it is declared."""
    said = no_services(ITEM, clean.workload.name, ITEMS)
    servers = " and ".join(clean.record.outside)
    why = f"{said.evidence[0].why}, but is connected to {servers}"
    case = Case(item=ITEM, subject=said.evidence[0].subject, replay="pytest --chaos --checklist")
    return Said(said.id, (case.unproven(why, external_calls.DECLARE), *said.evidence[1:]))
