"""Many calls of a workload, one after the other at a fixed pace, while a service is lost; and what they show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.exposure import Exposure
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.workload.control import Tweaks
from pytest_resilience.checklist.experiments.backoff_faults import lasting
from pytest_resilience.checklist.experiments.backoff_tempo import LONGEST_START, Patient, Tempo, has_settled
from pytest_resilience.checklist.experiments.places import Places, places
from pytest_resilience.checklist.judges.breaker_calls import calls_seen, failures_before, over, reset_period
from pytest_resilience.checklist.records.asides import asides
from pytest_resilience.checklist.thresholds import BREAKER_FAILURES

LONGEST = 40.0
"""Real seconds of one run, besides its start and its pace."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A workload that is called many times.

    Args:
        laboratory: where runs are made.
        workload: its name.
    """

    laboratory: Laboratory
    workload: str

    def run(
        self,
        order: FaultOrder,
        title: str,
        *,
        scale: float,
        calls: int,
        every: float,
        recovers_within: float | None = None,
    ) -> RunRecord:
        """Return a run of so many calls.

        Args:
            order: the fault.
            title: what is tried.
            scale: how much faster time runs.
            calls: how many are made; of a server that is to recover, as many as that takes.
            every: the workload's seconds from one to the next.
            recovers_within: the workload's seconds after the heal in which a server is asked on.
        """
        plan = self._plan(order, scale=scale, calls=calls, every=every, recovers_within=recovers_within)
        plan = replace(plan, tweaks=Tweaks(time_scale=scale))
        masked = self.laboratory.masked(plan, self.laboratory.clean(self.workload))
        with self.laboratory.trial(masked, title) as trial:
            return trial.record

    def _plan(
        self, order: FaultOrder, *, scale: float, calls: int, every: float, recovers_within: float | None
    ) -> Plan:
        clean = self.laboratory.clean(self.workload)
        declared = replace(clean.workload, resume="none", calls=calls, every=every)
        start = min(clean.record.real_duration, LONGEST_START) + 3.0
        limit = scale * (start + LONGEST) + calls * every
        if declared.shape != "server":
            patience = limit / declared.deadline
            return self.laboratory.plan(self.workload, [order], workload=declared, patience=patience)
        drive = None if declared.drive is None else replace(declared.drive, every=every / scale)
        return self.laboratory.plan(
            self.workload,
            [order],
            workload=replace(declared, drive=drive, deadline=limit / 2),
            prompt=True,
            enough=has_settled(calls) if recovers_within is None else _never,
            recovers_within=0.1 * scale if recovers_within is None else recovers_within,
        )


def later_tries(caller: Caller, clean: CleanRun, service: str, kind: ServiceKind) -> Tempo | None:
    """Return how what a workload does on a service after its answers is tried again; none where it does nothing then.

    Args:
        caller: of the workload.
        clean: the undisturbed run.
        service: the service.
        kind: what it speaks.
    """
    if not asides(clean.record, service).later:
        return None
    trouble = next(lasting(places(clean, service), kind, clean), None)
    if trouble is None:
        return None
    return Patient(caller.laboratory, caller.workload, service, trouble.order).tempo()


def _never(_seen: Exposure) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a breaker was seen to open.

    Args:
        calls: so many went out before the first that sent nothing.
        failures: so many of them had failed.
        seconds: from the first failure to that one.
        settles: from then until those that were under way are over.
        refusal: what a call takes that sends nothing.
        period: between trials, or from opening to the first; none where none was seen.
        apart: seconds from call to call at least, so that what one does after its answer is over.
    """

    calls: int
    failures: int
    seconds: float
    settles: float
    refusal: float
    period: float | None
    apart: float = 0.0

    @property
    def in_time(self) -> bool:
        """Whether it took no more failures than it may."""
        return self.failures <= BREAKER_FAILURES


def lost(where: Places, kind: ServiceKind, seconds: float) -> FaultOrder:
    """Return the order that resets every call to a service for so many seconds."""
    if kind == "tcp":
        return where.order(where.early, "reset_peer", seconds=seconds, after=0.0)
    return where.order(where.early, "reset", seconds=seconds)


def opening(run: RunRecord, service: str, clean: RunRecord) -> Opening | None:
    """Return how a breaker opened in a run; none where every call went out.

    Args:
        run: calls while the service is lost.
        service: the one that is lost.
        clean: the undisturbed run.
    """
    if run.first_receipt is None:
        return None
    since = run.first_receipt
    seen = [one for one in calls_seen(run, service, clean) if (one.call.ended or float("inf")) >= since]
    lost = [one.call for one in seen]
    at = next((number for number, one in enumerate(seen) if not one.tries), None)
    if at is None:
        return None
    refused = [one.call for one in seen if not one.tries and one.call.ended is not None]
    under_way = over(seen[:at])
    return Opening(
        calls=at,
        failures=failures_before(lost[:at]),
        seconds=max(0.0, lost[at].began - since),
        settles=max(0.0, under_way - lost[at].began),
        refusal=median(call.ended - call.began for call in refused if call.ended) if refused else 0.0,
        period=reset_period([one.since(under_way) for one in seen[at:]]),
    )
