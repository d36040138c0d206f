"""How fast a workload's waits can run and still be measured, and whether its draws can be pinned: one look tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.exposure import Exposure
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.workload.control import Tweaks
from pytest_resilience.checklist.judges.backoff.episodes import Episode, episodes, units_of
from pytest_resilience.checklist.records.asides import Asides, asides
from pytest_resilience.checklist.records.progress import Progress, progress
from pytest_resilience.checklist.records.windows import patience
from pytest_resilience.checklist.thresholds import CLOCK_NOISE, LEAST_ATTEMPTS, MOST_ATTEMPTS

LOOK_SCALE = 20.0
"""How much faster time runs in the first look."""
SHORT = 8.0
"""Seconds of waits that are taken as they are."""
LONG = 60.0
"""Seconds of waits above which the second look is a quick one, too."""
SECOND_SCALE = 4.0
FOLLOWS = 0.7
"""Waits that take this part of what they would without a time scale do not follow it."""
CLEAR = 0.1
"""The part of the first wait that the scaled clock's noise may be."""
LONGEST_START = 10.0
"""Real seconds of a clean run that are taken for its start and its work."""
ONE_CALL = 3600.0
"""Seconds between requests where one is meant to be all."""
ENDLESS, MESSAGES = 3 * MOST_ATTEMPTS, 8
"""Attempts that are no end, and messages that one has at most, with its connection's."""
A_MOMENT = 0.05
"""Real seconds between two messages that are no wait."""
BRIEF = 0.1
"""Seconds in which a server that was asked enough may recover: nobody looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """What the first looks have shown.

    Args:
        record: the run that shows it best.
        scalable: whether the workload's waits follow a time scale.
        pinnable: whether its draws can be pinned at all.
        exact: whether they all are, as far as is known.
        tries: of one operation.
        ended: whether the operation came to an end.
        first: its first wait, in seconds; 0 where it waits not at all.
        total: all its waits together.
        took: the whole operation, time-outs included.
    """

    record: RunRecord
    scalable: bool
    pinnable: bool
    exact: bool
    tries: int = 0
    ended: bool = True
    first: float = 0.0
    total: float = 0.0
    took: float = 0.0

    @property
    def is_decided(self) -> bool:
        """Whether the number of tries alone says what there is to say."""
        endless = self.tries >= LEAST_ATTEMPTS and not self.ended
        return endless or self.tries > MOST_ATTEMPTS or self.tries < LEAST_ATTEMPTS

    def scale(self, *, at_most: float = SHORT) -> float:
        """Return how much faster time may run: not at all where the waits take few seconds, or would blur."""
        if not self.scalable or (self.total <= at_most and self.ended):
            return 1.0
        return self.quickest

    @property
    def quickest(self) -> float:
        """How much faster time may run so that the first wait stays clear of noise."""
        if not self.scalable:
            return 1.0
        if not self.first or not self.ended:
            return LOOK_SCALE
        return max(1.0, min(LOOK_SCALE, CLEAR * self.first / CLOCK_NOISE))


@dataclass(slots=True)
class Patient:
    """A workload and one of its services, run again and again under faults.

    Args:
        laboratory: where runs are made.
        workload: the workload's name.
        service: the service's.
        order: the fault that is looked at first.
    """

    laboratory: Laboratory
    workload: str
    service: str
    order: FaultOrder
    _tempo: Tempo | None = None
    _asides: Asides | None = None
    _usual: Progress | None = None
    _looking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def units(self) -> int:
        """How many operations on the service go on at the same time, undisturbed."""
        clean = self.laboratory.clean(self.workload)
        return units_of(clean.record, clean.workload, self.service)

    @property
    def asides(self) -> Asides:
        """What the workload does on the service between its answers."""
        if self._asides is None:
            self._asides = asides(self.laboratory.clean(self.workload).record, self.service)
        return self._asides

    def episodes(self, run: RunRecord, *, exact: bool = False) -> tuple[Episode, ...]:
        """Return what was tried again in a run."""
        if self._usual is None:
            self._usual = progress(self.laboratory.clean(self.workload).record, self.service)
        units = self.units if exact else 1
        return episodes(run, self.service, exact=exact, units=units, asides=self.asides, usual=self._usual)

    def tempo(self) -> Tempo:
        """Return what the first look shows, which is taken once in the whole test run."""
        with self._looking:
            if self._tempo is None:
                name = f"tempo-{self.workload}-{self.service}"
                self._tempo = self.laboratory.shared(name, self._look)
            return self._tempo

    def run(
        self,
        order: FaultOrder,
        title: str,
        *,
        scale: float = 1.0,
        pinned: bool = False,
        calls: int = 1,
        deadlines: float = 2.0,
        pause: float = 0.0,
    ) -> RunRecord:
        """Return a run under a fault.

        Args:
            order: the fault.
            title: what is tried.
            scale: how much faster time runs.
            pinned: whether draws answer their midpoint.
            calls: of a function, or requests to a server.
            deadlines: how many times its deadline is waited for, and its start besides.
            pause: the workload's seconds from one request to the next.
        """
        plan = self._plan(order, scale=scale, calls=calls, deadlines=deadlines, pause=pause)
        plan = replace(plan, tweaks=Tweaks(time_scale=scale, pin_random=pinned))
        masked = self.laboratory.masked(plan, self.laboratory.clean(self.workload))
        with self.laboratory.trial(masked, title) as trial:
            return trial.record

    def _look(self) -> Tempo:
        first = self._seen(LOOK_SCALE)
        outlasts = self.asides.later and LEAST_ATTEMPTS <= first.tries <= MOST_ATTEMPTS and not first.ended
        if not first.pinnable or (first.is_decided and not outlasts):
            return first
        if outlasts or first.total <= SHORT:  # a database may keep when the next try is due, by its own clock
            second = self._seen(1.0)
            return replace(second, scalable=first.total < FOLLOWS * LOOK_SCALE * second.total)
        scale = SECOND_SCALE if first.total <= LONG else LOOK_SCALE / 2
        second = self._seen(scale)
        if second.total < first.total * (1 + scale / LOOK_SCALE) / 2:
            return replace(self._seen(1.0), scalable=False)
        return self._seen(1.0) if second.total <= SHORT else second

    def _seen(self, scale: float) -> Tempo:
        record = self.run(self.order, "first look at the waits", scale=scale, pinned=True)
        if record.untweaked is not None:
            record = self.run(self.order, "first look at the waits")
            return _tempo(record, self, changeable=False)
        return _tempo(record, self, changeable=True)

    def _plan(self, order: FaultOrder, *, scale: float, calls: int, deadlines: float, pause: float) -> Plan:
        clean = self.laboratory.clean(self.workload)
        declared = clean.workload
        start = 3 * min(clean.record.real_duration, LONGEST_START) + 3.0
        limit = deadlines * declared.deadline * (2 if self.asides.later else 1) + scale * start
        alone = replace(declared, resume="none", calls=calls)
        if declared.shape == "server":
            return self.laboratory.plan(
                self.workload,
                [order],
                workload=_paced(alone, calls * limit / 2, pause / scale if pause else ONE_CALL),
                prompt=True,
                sees_out=True,
                enough=has_settled(calls, self.service if self.asides.later else None),
                recovers_within=BRIEF * scale,
            )
        return self.laboratory.plan(
            self.workload, [order], workload=alone, patience=limit / declared.deadline
        )


def has_settled(calls: int, later: str | None = None) -> Callable[[Exposure], bool]:
    """Return what tells that so many requests which met the fault were answered or given up.

    Args:
        calls: the requests.
        later: the service that is called after the answers: nothing may come to it any more.
    """

    def enough(seen: Exposure) -> bool:
        struck = seen.struck_at
        if struck is None:
            return False
        met = [call for call in seen.calls if call.ended is None or call.ended >= struck or later]
        if sum(map(seen.is_settled, met)) < calls:
            return False
        return later is None or _is_quiet(seen, later)

    return enough


def _is_quiet(seen: Exposure, service: str) -> bool:
    """Whether nothing has come to a service for so long that nothing will, or so much that it never ends."""
    messages = [message for message in seen.messages() if message.service == service]
    said = [message.at for message in messages]
    struck = seen.struck_at or 0.0
    since = [at for at in said if at >= struck]
    strikes = sum(message.fault is not None for message in messages)
    if strikes >= ENDLESS or len(since) >= ENDLESS * MESSAGES:
        return True
    silences = [after - before for before, after in pairwise([struck, *since])]
    waits = [silence for silence in silences if silence > A_MOMENT * seen.scale]
    return bool(said) and seen.now - said[-1] >= patience(waits)


def _paced(declared: WorkloadDeclaration, deadline: float, every: float) -> WorkloadDeclaration:
    drive = None if declared.drive is None else replace(declared.drive, every=every, one_by_one=True)
    return replace(declared, drive=drive, deadline=deadline)


def _tempo(record: RunRecord, patient: Patient, *, changeable: bool) -> Tempo:
    found = patient.episodes(record, exact=changeable)
    longest = max(found, key=lambda episode: len(episode.tries), default=None)
    tempo = Tempo(
        record=record,
        scalable=changeable,
        pinnable=changeable,
        exact=changeable and not record.escaped,
    )
    if longest is None:
        return tempo
    noise = CLOCK_NOISE * record.time_scale
    return replace(
        tempo,
        tries=len(longest.tries),
        ended=longest.ended,
        first=next((wait for wait in longest.waits if wait > noise), 0.0),
        total=sum(longest.waits),
        took=_took(longest),
    )


def _took(episode: Episode) -> float:
    last = episode.tries[-1]
    return (last.ended if last.ended is not None else last.began) - episode.tries[0].began


def least_waits(run: RunRecord, patient: Patient) -> tuple[float, ...]:
    """Return the least of each wait, over the episodes of most waits: the first call of a process is its slowest."""
    seen = patient.episodes(run, exact=True)
    found = [episode.waits for episode in seen]
    longest = max(map(len, found), default=0)
    return tuple(map(min, zip(*(waits for waits in found if len(waits) == longest), strict=True)))


def agree(runs: Sequence[RunRecord], patient: Patient, *, noise: float) -> bool:
    """Whether runs with pinned draws have the same waits, so that nothing was drawn elsewhere."""
    waits = [least_waits(run, patient) for run in runs]
    first = waits[0]
    return all(
        len(other) == len(first)
        and all(abs(a - b) <= max(CLEAR * max(a, b), 3 * noise) for a, b in zip(first, other, strict=True))
        for other in waits[1:]
    )
