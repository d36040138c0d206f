"""How a workload tries again, tried: faults that last, faults that stay, answers that are lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.experiments.backoff_faults import (
    Trouble,
    asked_to_wait,
    lasting,
    lost_answers,
    permanent,
)
from pytest_resilience.checklist.experiments.backoff_tempo import Patient
from pytest_resilience.checklist.experiments.backoff_waits import Waits
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.places import places
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.said import Said, no_services, no_traffic
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges.backoff import judge_permanent, judge_repeats, judge_retry_after
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.client_advice import advised
from pytest_resilience.checklist.judges.proof import uses
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.verdict import Evidence

ITEM = "backoff"
LEAST_PATIENCE, MOST_PATIENCE = 2, 30
"""Seconds that a service asks for: clearly more than the code waits anyway, and no more than it may refuse to wait."""


@dataclass(frozen=True, slots=True)
class Permanent:
    """An error that stays: it is tried once.

    Args:
        patient: the workload and the service.
        trouble: the error.
    """

    patient: Patient
    trouble: Trouble

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service and the error."""
        return f"{ITEM}::{self.patient.workload}::{self.patient.service}::{self.trouble.name}"

    def run(self) -> ExperimentResult:
        """Run the workload once, and count."""
        patient = self.patient
        scale = patient.tempo().quickest
        record = patient.run(self.trouble.order, self.id, scale=scale)
        clean = patient.laboratory.clean(patient.workload)
        evidence = judge_permanent(
            record,
            clean=clean.record,
            workload=clean.workload,
            service=patient.service,
            replay=replay_of(self.id),
        )
        return result_of([told(evidence, patient, self.trouble.title)], record)


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """A service that says when it wants to be asked again.

    Args:
        patient: the workload and the service.
    """

    patient: Patient

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload and the service."""
        return f"{ITEM}::{self.patient.workload}::{self.patient.service}::retry-after"

    def run(self) -> ExperimentResult:
        """Ask for more patience than the workload has by itself, and see when it comes again."""
        patient = self.patient
        tempo = patient.tempo()
        asked = min(MOST_PATIENCE, max(LEAST_PATIENCE, ceil(2 * tempo.first) + 1))
        clean = patient.laboratory.clean(patient.workload)
        order = asked_to_wait(places(clean, patient.service), asked)
        scale = min(tempo.quickest, float(asked))
        record = patient.run(order, self.id, scale=scale)
        evidence = judge_retry_after(
            record,
            clean=clean.record,
            workload=clean.workload,
            service=patient.service,
            replay=replay_of(self.id),
        )
        return result_of([told(evidence, patient, f"Retry-After: {asked}")], record)


@dataclass(frozen=True, slots=True)
class Repeats:
    """A request that changes something, whose answer is lost after it was done.

    Args:
        patient: the workload and the service.
        trouble: the loss.
    """

    patient: Patient
    trouble: Trouble

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service, and which request."""
        return f"{ITEM}::{self.patient.workload}::{self.patient.service}::{self.trouble.name}"

    def run(self) -> ExperimentResult:
        """Run the workload once, and see whether the request is sent again, and with a key."""
        patient = self.patient
        record = patient.run(self.trouble.order, self.id, scale=patient.tempo().quickest)
        clean = patient.laboratory.clean(patient.workload)
        evidence = judge_repeats(
            [record],
            clean=clean.record,
            workload=clean.workload,
            service=patient.service,
            replay=replay_of(self.id),
        )
        return result_of([told(evidence, patient, self.trouble.title)], record)


def told(evidence: Evidence, patient: Patient, what: str) -> Evidence:
    """Return evidence about the service as a whole, so that what is passed in all its ways is one finding."""
    why = f"{what}: {evidence.why}" if evidence.why else ""
    about = replace(evidence, subject=subject_of(patient.workload, patient.service), why=why)
    return advised(about, patient.laboratory.configuration.services[patient.service].kind)


def growing_waits(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield how each workload's second tries at each of its services are tried."""
    for clean in working(laboratory):
        name = clean.workload.name
        if not clean.workload.uses:
            yield no_services(ITEM, name, [ITEM])
        for service in clean.workload.uses:
            if not uses(clean.record, service) and not clean.record.bypasses:
                yield no_traffic(ITEM, name, service, [ITEM])
            else:
                yield from _of_service(laboratory, clean, service)


def _of_service(laboratory: Laboratory, clean: CleanRun, service: str) -> Iterator[Experiment]:
    kind, where = laboratory.configuration.services[service].kind, places(clean, service)
    troubles = list(lasting(where, kind, clean)) if where.calls or where.logins or kind == "tcp" else []
    if not troubles:
        yield _never_called(clean, service)
        return
    patient = Patient(laboratory, clean.workload.name, service, troubles[0].order)
    for number, trouble in enumerate(troubles):
        yield Waits(patient, trouble, thorough=number == 0)
    for trouble in permanent(where, kind):
        yield Permanent(patient, trouble)
    if kind in {"http", "mlflow"}:
        yield RetryAfter(patient)
        for trouble in lost_answers(where):
            yield Repeats(patient, trouble)


def _never_called(clean: CleanRun, service: str) -> Said:
    """Say of a server that it talks to a service only while it starts."""
    name = clean.workload.name
    case = Case(item=ITEM, subject=subject_of(name, service))
    why = f"workload {name} makes no call to {service} once it serves"
    return Said(f"{ITEM}::{name}::{service}::never", (case.not_applicable(why),))
