"""A service that is gone for good, and who is told: with alert endpoints that live, and with dead ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import get_args

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.dead_endpoints import Death
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.exposed import has_alerted, has_alerted_soon
from pytest_resilience.checklist.experiments.in_time import trial_in_time
from pytest_resilience.checklist.experiments.places import outage, passing, places
from pytest_resilience.checklist.experiments.quiet import Quiet, Transient
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.said import Said, no_services, no_traffic
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges import alerts
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.external_calls import is_blocked
from pytest_resilience.checklist.judges.proof import uses
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.verdict import Evidence

ITEM = alerts.ITEM
STARTS = 2
"""Starts of a job in one outage: the second shows whether it tells the same again."""
CALLS = 20
"""Calls of a function in one outage: a breaker that alerts when it opens has opened by then."""


@dataclass(slots=True)
class Outage:
    """A workload one of whose services is gone until the end.

    Args:
        laboratory: where runs are made.
        workload: its name.
        service: the one that is gone.
        order: how it goes.
    """

    laboratory: Laboratory
    workload: str
    service: str
    order: FaultOrder
    _seen: RunRecord | None = None
    _seeing: threading.Lock = field(default_factory=threading.Lock)

    def seen(self) -> RunRecord:
        """Return the run with living alert endpoints, made once."""
        with self._seeing:
            if self._seen is None:
                self._seen = self._run(self._plan(most_starts=STARTS), "outage")
            return self._seen

    def dead(self, death: Death) -> RunRecord:
        """Return a run with dead endpoints, which come back with the service once its first start has ended."""
        plan = self._plan(dead_alerts=death, again=True)
        return self._run(replace(plan, workload=replace(plan.workload, resume="rerun")), f"endpoint-{death}")

    def _run(self, plan: Plan, what: str) -> RunRecord:
        masked = self.laboratory.masked(plan, self.laboratory.clean(self.workload))
        judge = alerts.is_late if plan.dead_alerts is None else is_blocked
        late = partial(judge, workload=self.laboratory.workload(self.workload))
        with trial_in_time(self.laboratory, masked, f"{what} of {self.service}", late=late) as trial:
            return trial.record

    def _plan(self, **more: object) -> Plan:
        declared = self.laboratory.workload(self.workload)
        short = replace(declared, calls=min(declared.calls, CALLS))
        nothing_comes = "dead_alerts" in more
        enough = has_alerted_soon if nothing_comes else has_alerted
        return self.laboratory.plan(
            self.workload, [self.order], workload=short, prompt=True, enough=enough, **more
        )


@dataclass(frozen=True, slots=True)
class AlertOfOutage:
    """Whether an outage is told.

    Args:
        outage: the outage.
    """

    outage: Outage

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service."""
        return f"{ITEM}::{self.outage.workload}::{self.outage.service}::outage"

    def run(self) -> ExperimentResult:
        """Run the workload without the service, and look at what reached the endpoints."""
        laboratory, name = self.outage.laboratory, self.outage.workload
        clean = laboratory.clean(name)
        record = self.outage.seen()
        evidence = alerts.judge_outage(
            record,
            clean=clean.record,
            workload=clean.workload,
            service=self.outage.service,
            alerts=laboratory.configuration.alerts,
            replay=replay_of(self.id),
        )
        return result_of([about(evidence, name, self.outage.service, "lasting outage")], record)


@dataclass(frozen=True, slots=True)
class DeadEndpoint:
    """Whether the code survives that its alerts go nowhere, and delivers them later.

    Args:
        outage: the outage that is to be told.
        death: what the endpoints do.
    """

    outage: Outage
    death: Death

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service, and what the endpoints do."""
        return f"{ITEM}::{self.outage.workload}::{self.outage.service}::endpoint-{self.death}"

    def run(self) -> ExperimentResult:
        """Run the workload with dead endpoints, and compare its first start with one that could alert."""
        reference, record = self.outage.seen(), self.outage.dead(self.death)
        evidence = alerts.judge_dead_endpoint(
            _first_start(record),
            reference=_first_start(reference),
            workload=self.outage.laboratory.workload(self.outage.workload),
            healed_at=record.alerts_healed_at or 0.0,
            name=self.death,
            replay=replay_of(self.id),
        )
        told = about(evidence, self.outage.workload, self.outage.service, f"alert endpoints {self.death}")
        return result_of([told], record)


def _first_start(record: RunRecord) -> RunRecord:
    """Return a run as if its first start had been its only one; what reached the endpoints stays."""
    return replace(record, processes=record.processes[:1])


def about(evidence: Evidence, workload: str, service: str | None, what: str) -> Evidence:
    """Return evidence about a service as a whole, so that what is passed in all its ways is one finding."""
    why = f"{what}: {evidence.why}" if evidence.why else ""
    return replace(evidence, subject=subject_of(workload, service), why=why)


def alerts_of_outages(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield what is tried with each workload's alerts."""
    for clean in working(laboratory):
        declared = laboratory.configuration.alerts
        if not clean.workload.uses:
            yield no_services(ITEM, clean.workload.name, [ITEM])
        elif declared is None or not (declared.env or declared.rules):
            yield _undeclared(clean.workload.name)
        else:
            yield Quiet(laboratory, clean.workload.name)
            yield from _outages(laboratory, clean, has_endpoints=bool(declared.env))


def _outages(laboratory: Laboratory, clean: CleanRun, *, has_endpoints: bool) -> Iterator[Experiment]:
    name = clean.workload.name
    for number, service in enumerate(clean.workload.uses):
        if not uses(clean.record, service) and not clean.record.bypasses:
            yield no_traffic(ITEM, name, service, [ITEM])
            continue
        where = places(clean, service)
        gone = Outage(laboratory, name, service, outage(where))
        yield AlertOfOutage(gone)
        if (order := passing(where)) is not None:
            yield Transient(laboratory, name, service, order)
        if has_endpoints and number == 0:
            for death in get_args(Death):
                yield DeadEndpoint(gone, death)


def _undeclared(workload: str) -> Said:
    case = Case(item=ITEM, subject=subject_of(workload), replay="pytest --chaos --checklist")
    return Said(
        f"{ITEM}::{workload}::undeclared",
        (case.unproven("nothing is declared of how this code alerts", alerts.DECLARE),),
    )
