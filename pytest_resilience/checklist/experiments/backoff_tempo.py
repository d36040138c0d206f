"""How fast a workload's waits can run and still be measured, and whether its draws can be pinned: one look tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.exposure import Exposure
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.workload.control import Tweaks
from pytest_resilience.checklist.judges.backoff.episodes import Episode, episodes
from pytest_resilience.checklist.thresholds import CLOCK_NOISE

LOOK_SCALE = 20.0
"""How much faster time runs in the first look."""
SHORT = 8.0
"""Seconds of waits that are taken as they are."""
CLEAR = 0.1
"""The part of the first wait that the scaled clock's noise may be."""
LONGEST_START = 10.0
"""Real seconds of a clean run that are taken for its start and its work."""
ONE_CALL = 3600.0
"""Seconds between requests where one is meant to be all."""
BRIEF = 0.1
"""Seconds in which a server that was asked enough may recover: nobody looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """What the first look has shown.

    Args:
        record: its run.
        changeable: whether the workload's clocks and draws can be changed.
        exact: whether its draws are all pinned, as far as is known.
        first: its first wait, in seconds; 0 where it waits not at all.
        total: all its waits together.
        took: the whole operation, time-outs included.
    """

    record: RunRecord
    changeable: bool
    exact: bool
    first: float = 0.0
    total: float = 0.0
    took: float = 0.0

    def scale(self, *, at_most: float = SHORT) -> float:
        """Return how much faster time may run: not at all where the waits take few seconds, or would blur."""
        if not self.changeable or self.total <= at_most:
            return 1.0
        clear = CLEAR * self.first / CLOCK_NOISE
        return max(1.0, min(clear, LOOK_SCALE))

    @property
    def quickest(self) -> float:
        """How much faster time may run where waits are only counted, or compared roughly."""
        if not self.changeable:
            return 1.0
        return max(1.0, min(LOOK_SCALE, CLEAR * self.first / CLOCK_NOISE)) if self.first else LOOK_SCALE


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
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def tempo(self) -> Tempo:
        """Return what the first look shows, which is taken once."""
        with self._looking:
            if self._tempo is None:
                self._tempo = self._look()
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
        record = self.run(self.order, "first look at the waits", scale=LOOK_SCALE, pinned=True)
        if record.untweaked is not None:
            record = self.run(self.order, "first look at the waits")
            return _tempo(record, self.service, changeable=False)
        return _tempo(record, self.service, changeable=True)

    def _plan(self, order: FaultOrder, *, scale: float, calls: int, deadlines: float, pause: float) -> Plan:
        clean = self.laboratory.clean(self.workload)
        declared = clean.workload
        start = 3 * min(clean.record.real_duration, LONGEST_START) + 3.0
        limit = deadlines * declared.deadline + scale * start
        alone = replace(declared, resume="none", calls=calls)
        if declared.shape == "server":
            return self.laboratory.plan(
                self.workload,
                [order],
                workload=_paced(alone, limit / 2, pause / scale if pause else ONE_CALL),
                prompt=True,
                enough=has_settled(calls),
                recovers_within=BRIEF * scale,
            )
        return self.laboratory.plan(
            self.workload, [order], workload=alone, patience=limit / declared.deadline
        )


def has_settled(calls: int) -> Callable[[Exposure], bool]:
    """Return what tells that so many requests which met the fault were answered or given up."""

    def enough(seen: Exposure) -> bool:
        struck = seen.struck_at
        if struck is None:
            return False
        met = [call for call in seen.calls if call.ended is None or call.ended >= struck]
        return sum(map(seen.is_settled, met)) >= calls

    return enough


def _paced(declared: WorkloadDeclaration, deadline: float, every: float) -> WorkloadDeclaration:
    drive = None if declared.drive is None else replace(declared.drive, every=every)
    return replace(declared, drive=drive, deadline=deadline)


def _tempo(record: RunRecord, service: str, *, changeable: bool) -> Tempo:
    found = episodes(record, service, exact=changeable)
    longest = max(found, key=lambda episode: len(episode.waits), default=None)
    exact = changeable and not record.escaped
    if longest is None:
        return Tempo(record=record, changeable=changeable, exact=exact)
    noise = CLOCK_NOISE * record.time_scale
    return Tempo(
        record=record,
        changeable=changeable,
        exact=exact,
        first=next((wait for wait in longest.waits if wait > noise), 0.0),
        total=sum(longest.waits),
        took=_took(longest),
    )


def _took(episode: Episode) -> float:
    last = episode.tries[-1]
    return (last.ended if last.ended is not None else last.began) - episode.tries[0].began


def agree(runs: Sequence[RunRecord], service: str, *, noise: float) -> bool:
    """Whether runs with pinned draws have the same waits, so that nothing was drawn elsewhere."""
    waits = [
        max((episode.waits for episode in episodes(run, service, exact=True)), key=len, default=())
        for run in runs
    ]
    first = waits[0]
    return all(
        len(other) == len(first)
        and all(abs(a - b) <= max(CLEAR * max(a, b), 3 * noise) for a, b in zip(first, other, strict=True))
        for other in waits[1:]
    )
