"""A service that is lost for many calls, and comes back: whether a breaker spares it, and the callers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.checklist.experiments.backoff_tempo import LOOK_SCALE
from pytest_resilience.checklist.experiments.breakers_calls import Caller, Opening, later_tries, lost, opening
from pytest_resilience.checklist.experiments.breakers_timing import (
    REAL_PACE,
    cycle,
    lasts,
    pace_of,
    quickest,
    whole_run,
)
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.places import places
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.said import Said, no_services, no_traffic
from pytest_resilience.checklist.experiments.service_faults import LASTS
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges import breakers
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import uses
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.thresholds import BREAKER_FAILURES, MOST_ATTEMPTS
from pytest_resilience.checklist.verdict import Evidence

ITEM = breakers.ITEM
FIRST_CALLS = BREAKER_FAILURES + 8
"""Calls after which a breaker has opened, or there is none."""
FIRST_PACE, FIRST_PACE_OF_REQUESTS = 0.05, 1.0
"""Seconds from one of them to the next; requests to a server come at most every 50 real milliseconds."""
SLOWER = LOOK_SCALE / 5
"""How much faster time runs when no breaker was seen at first: on a busy machine each call may meet another's tries."""
PACES = (0.5, 2.5, 12.5)
"""Seconds from call to call while a trial is waited for, each where the one before was too quick to see one."""
WATCHED = 40
"""Calls in which a trial is waited for."""
LONGER = 2.0
"""Further periods for which calls go on where what did not pass is judged again."""
SURELY = 1.5
"""Times what an operation usually takes that goes on after its answer, until it surely is over."""
UNSCALED = 60.0
"""Real seconds in which an opening is confirmed unscaled."""
AGAIN = 20.0
"""Real seconds for which what did not pass is judged again: a fault that ends a second late spoils a run of three."""
FEW_CONNECTIONS = 5
"""Connections to a database that no breaker would help."""


@dataclass(frozen=True, slots=True)
class LostService:
    """A workload one of whose services is lost for many calls.

    Args:
        laboratory: where runs are made.
        workload: the workload's name.
        service: the one that is lost.
        kind: what it speaks.
    """

    laboratory: Laboratory
    workload: str
    service: str
    kind: ServiceKind

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload and the service."""
        return f"{ITEM}::{self.workload}::{self.service}"

    def run(self) -> ExperimentResult:
        """Call until a breaker opens, find its reset period, then lose the service for two of them."""
        clean = self.laboratory.clean(self.workload)
        looked = later_tries(self._caller, clean, self.service, self.kind)
        if looked is not None and looked.tries > MOST_ATTEMPTS:
            why = f"{self.workload} asks {self.service} between its answers, whether it is called or not"
            return result_of([self._told(self._case.not_applicable(why))], looked.record)
        if clean.workload.shape == "job":
            record = self._job(clean)
            return result_of([self._told(self._judge(record, clean))], record)
        record, evidence = self._calls(clean, 0.0 if looked is None else SURELY * looked.took)
        return result_of([self._told(each) for each in evidence], record)

    def _job(self, clean: CleanRun) -> RunRecord:
        order = lost(places(clean, self.service), self.kind, LASTS)
        record = self._caller.run(order, self.id, scale=LOOK_SCALE, calls=1, every=0.0)
        if record.untweaked is None:
            return record
        return self._caller.run(order, self.id, scale=1.0, calls=1, every=0.0)

    def _calls(self, clean: CleanRun, apart: float) -> tuple[RunRecord, list[Evidence]]:
        """Return the run that shows it best and what it shows; calls are at least `apart` seconds from each other."""
        first, order = self._first(clean, apart)
        opened = opening(first, self.service, clean.record)
        if first.time_scale > 1 and not (opened and opened.in_time):
            first = self._calling(clean, order, apart, scale=SLOWER)
            opened = opening(first, self.service, clean.record)
        if opened is None or not opened.in_time:
            return first, [self._judge(first, clean)]
        opened = replace(opened, apart=apart)
        changeable = first.untweaked is None
        opened = self._with_period(order, opened, scale=LOOK_SCALE if changeable else 1.0)
        if opened.period is None:
            return first, [self._never_tried(first, clean, opened)]
        record = self._lose(order, opened, scale=quickest(opened) if changeable else 1.0)
        evidence = self._judge(record, clean)
        if evidence.outcome == "unproven" or (evidence.outcome == "failed" and record.time_scale > 1):
            slower = max(1.0, whole_run(opened) / AGAIN) if changeable else 1.0
            record = self._lose(order, opened, scale=slower, longer=LONGER)
            evidence = self._judge(record, clean)
        if evidence.outcome == "passed" and record.time_scale > 1:
            evidence = self._confirmed(evidence, order, opened, record.time_scale)
        return record, [evidence, *self._isolation(record, clean)]

    @property
    def _clean(self) -> RunRecord:
        return self.laboratory.clean(self.workload).record

    @property
    def _caller(self) -> Caller:
        return Caller(self.laboratory, self.workload)

    def _first(self, clean: CleanRun, apart: float) -> tuple[RunRecord, FaultOrder]:
        """Return calls while the service is lost, from the start, or where none can be made then, from the first."""
        where = places(clean, self.service)
        order = lost(where, self.kind, LASTS)
        record = self._calling(clean, order, apart)
        if record.calls or not where.calls:
            return record, order
        order = replace(order, when=where.calls[0].when)
        return self._calling(clean, order, apart), order

    def _calling(
        self, clean: CleanRun, order: FaultOrder, apart: float, *, scale: float = LOOK_SCALE
    ) -> RunRecord:
        least = FIRST_PACE_OF_REQUESTS if clean.workload.shape == "server" else FIRST_PACE
        record = self._caller.run(order, self.id, scale=scale, calls=FIRST_CALLS, every=max(least, apart))
        if record.untweaked is None:
            return record
        return self._caller.run(order, self.id, scale=1.0, calls=FIRST_CALLS, every=max(REAL_PACE, apart))

    def _with_period(self, order: FaultOrder, opened: Opening, *, scale: float) -> Opening:
        """Return it with its reset period, looked for at slower and slower paces."""
        if opened.period is not None:
            return opened
        for pace in PACES:
            calls = opened.calls + WATCHED
            every = max(pace, opened.apart)
            record = self._caller.run(order, self.id, scale=scale, calls=calls, every=every)
            found = opening(record, self.service, self._clean)
            if found is not None and found.period is not None:
                return replace(opened, period=found.period)
            if scale == 1 and WATCHED * pace >= UNSCALED / 4:
                break
        return opened

    def _lose(self, order: FaultOrder, opened: Opening, *, scale: float, longer: float = 0.0) -> RunRecord:
        """Return the run that is judged: lost for two reset periods, and watched for two more, or longer."""
        whole, pace = whole_run(opened) + longer * cycle(opened), pace_of(opened)
        calls = opened.calls + ceil(whole / pace)
        return self._caller.run(
            replace(order, seconds=lasts(opened)),
            self.id,
            scale=scale,
            calls=calls,
            every=pace,
            recovers_within=whole - lasts(opened),
        )

    def _judge(self, record: RunRecord, clean: CleanRun) -> Evidence:
        return breakers.judge(
            record,
            clean=clean.record,
            workload=clean.workload,
            service=self.service,
            kind=self.kind,
            replay=self._replay,
        )

    def _never_tried(self, record: RunRecord, clean: CleanRun, opened: Opening) -> Evidence:
        judged = self._judge(record, clean)
        if judged.outcome == "failed":
            return judged
        if record.untweaked is None:
            return self._case.failed(
                f"requests stopped after {opened.failures} failed calls, and none was sent in "
                f"{WATCHED * PACES[-1]:g} s",
                "let one trial through when the reset period is over, 60 s or less, for ever",
            )
        return self._case.unproven(
            f"requests stopped, and none was sent in {UNSCALED / 4:g} s: its reset period is longer, if it tries again",
            "let its reset period be a few seconds in tests: this workload's clocks cannot be scaled",
        )

    def _confirmed(self, evidence: Evidence, order: FaultOrder, opened: Opening, scale: float) -> Evidence:
        """See it open once more in real time; its reset period would take too long."""
        faster = f"{scale:.2g} times as fast"
        words = (
            f"its reset period, about {opened.period:.2g} s, was seen only with its clocks running {faster}"
        )
        if opened.seconds > UNSCALED:
            words += f"; to open it takes {opened.seconds:.3g} s, too long to be confirmed unscaled"
            return replace(evidence, warnings=(*evidence.warnings, words))
        pace = max(FIRST_PACE, opened.seconds / max(1, opened.calls) / 4, opened.apart)
        record = self._caller.run(order, self.id, scale=1.0, calls=opened.calls + 5, every=pace)
        real = opening(record, self.service, self._clean)
        if real is not None and real.failures <= BREAKER_FAILURES:
            return replace(evidence, warnings=(*evidence.warnings, words))
        return replace(
            evidence,
            outcome="unproven",
            why=f"requests stop after {opened.failures} failed calls in scaled time, and do not unscaled",
            fix="set time_scale = 1, or let the breaker go by Python's clocks",
        )

    def _isolation(self, record: RunRecord, clean: CleanRun) -> Iterator[Evidence]:
        """Yield what the loss does to calls of the other services, where that can be seen."""
        for other in clean.workload.uses:
            if other == self.service:
                continue
            found = breakers.judge_isolation(
                record,
                clean=clean.record,
                workload=clean.workload,
                lost=self.service,
                other=other,
                replay=self._replay,
            )
            if found.outcome in {"passed", "failed"}:
                yield found

    @property
    def _case(self) -> Case:
        return Case(item=ITEM, subject=subject_of(self.workload, self.service), replay=self._replay)

    @property
    def _replay(self) -> str:
        return replay_of(self.id)

    def _told(self, evidence: Evidence) -> Evidence:
        return replace(evidence, subject=subject_of(self.workload, self.service))


def opening_breakers(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield the loss of each service that each workload calls."""
    for clean in working(laboratory):
        name = clean.workload.name
        if not clean.workload.uses:
            yield no_services(ITEM, name, [ITEM])
        for service in clean.workload.uses:
            if not uses(clean.record, service) and not clean.record.bypasses:
                yield no_traffic(ITEM, name, service, [ITEM])
            else:
                kind = laboratory.configuration.services[service].kind
                yield _without_calls(clean, service, kind) or LostService(laboratory, name, service, kind)


def _without_calls(clean: CleanRun, service: str, kind: ServiceKind) -> Said | None:
    """Return why a service is not lost for many calls; none where it is."""
    declared, name = clean.workload, f"{ITEM}::{clean.workload.name}::{service}"
    case = Case(item=ITEM, subject=subject_of(declared.name, service), replay="pytest --chaos --checklist")
    made = {message.connection for message in clean.record.messages if message.service == service}
    if kind == "postgres" and len(made) <= FEW_CONNECTIONS:
        why = f"{declared.name} talks to the database {service} in {len(made)} connections, which need no breaker"
        return Said(name, (case.not_applicable(why),))
    if declared.shape != "server":
        return None
    if declared.drive is None:
        why, fix = f"{declared.name} is sent no requests", f"declare `drive` of workload {declared.name}"
        return Said(name, (case.unproven(why, fix),))
    where = places(clean, service)
    if not where.calls and not where.logins and kind != "tcp":
        why = f"{declared.name} makes no call to {service} once it serves"
        return Said(name, (case.not_applicable(why),))
    return None
