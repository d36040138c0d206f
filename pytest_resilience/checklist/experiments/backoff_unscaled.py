"""Waits that were seen in scaled time, taken once more in real time: they have to be the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.experiments.backoff_tempo import Patient, least_waits
from pytest_resilience.checklist.thresholds import CLOCK_NOISE
from pytest_resilience.checklist.verdict import Evidence

UNSCALED = 60.0
"""Real seconds of waits that are confirmed unscaled, at most ..."""
CONFIRMED = 3
"""... and how many of them."""
SAME = 0.2
"""The part by which a scaled wait and an unscaled one may differ."""


@dataclass(frozen=True, slots=True)
class Unscaled:
    """The first waits of an exact run, to be seen in real time.

    Args:
        patient: the workload and the service.
        seen: all its waits in scaled time, in seconds; there is one at least.
        besides: seconds that an operation takes besides its waits.
        pinned: makes an exact run in real time that lasts for so many of the workload's deadlines.
    """

    patient: Patient
    seen: tuple[float, ...]
    besides: float
    pinned: Callable[[float], RunRecord]

    @property
    def waits(self) -> tuple[float, ...]:
        """Those that are short enough, in scaled time."""
        fitting = [number for number, at in enumerate(accumulate(self.seen), 1) if at <= UNSCALED]
        return self.seen[: min(CONFIRMED, max(fitting, default=0))]

    def run(self) -> RunRecord:
        """Make an exact run in real time."""
        deadline = self.patient.laboratory.workload(self.patient.workload).deadline
        return self.pinned((1.2 * sum(self.waits) + self.besides) / deadline)

    def confirmed(self, evidence: Evidence, runs: Sequence[RunRecord], words: str) -> Evidence:
        """Return the evidence with what real time says of it; a busy machine is asked once more.

        Args:
            evidence: what was passed in scaled time.
            runs: those in real time so far; none where no wait is short enough.
            words: how much faster time ran.
        """
        if not self.waits:
            far = f"the first wait of {self.seen[0]:.3g} s is too long to be confirmed unscaled"
            return replace(evidence, warnings=(*evidence.warnings, words, far))
        real = self._least(runs)
        if not self._is_seen_in(real):
            real = self._least([*runs, self.run()])
        if self._is_seen_in(real):
            if self.waits == self.seen:
                return evidence
            first = f"{words}; in real time the first {len(self.waits)} of {len(self.seen)} are the same"
            return replace(evidence, warnings=(*evidence.warnings, first))
        return replace(
            evidence,
            outcome="unproven",
            why=f"waits of {_series(self.waits)} s in scaled time are {_series(real) or 'none'} s unscaled",
            fix="set time_scale = 1, or let all its waits go by Python's clocks",
        )

    def _least(self, runs: Sequence[RunRecord]) -> tuple[float, ...]:
        found = [least_waits(run, self.patient)[: len(self.waits)] for run in runs]
        longest = max(map(len, found))
        return tuple(map(min, zip(*(waits for waits in found if len(waits) == longest), strict=True)))

    def _is_seen_in(self, real: tuple[float, ...]) -> bool:
        return len(self.waits) == len(real) and all(map(_same, self.waits, real))


def _same(scaled: float, real: float) -> bool:
    return abs(scaled - real) <= max(SAME * max(scaled, real), 10 * CLOCK_NOISE)


def _series(waits: tuple[float, ...]) -> str:
    return ", ".join(f"{wait:.3g}" for wait in waits)
