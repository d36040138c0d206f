"""The waits between tries under one fault that lasts: exact where draws can be pinned, by many episodes where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pytest_resilience.chaos.laboratory.side_by_side import AT_ONCE
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.experiments.backoff_faults import Trouble
from pytest_resilience.checklist.experiments.backoff_tempo import (
    LOOK_SCALE,
    Patient,
    Tempo,
    agree,
    least_waits,
)
from pytest_resilience.checklist.experiments.backoff_unscaled import UNSCALED, Unscaled
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.judges.backoff import Trials, WaitsJudgement, judge_waits
from pytest_resilience.checklist.judges.case import subject_of
from pytest_resilience.checklist.judges.client_advice import advised
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.thresholds import CLOCK_NOISE, EPISODES, PINNED_RUNS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.clock import SYSTEM_CLOCK

ITEM = "backoff"
FREE_EPISODES, FEW_FREE_EPISODES = 5, 3
"""Episodes that draw as they always do: under the first fault of a service, and under the others."""
LEAST_TO_FAIL = 3
"""Exact runs before waits are said to be wrong, where they are alike; up to `PINNED_RUNS` where they are not."""
WARM = 2
"""Calls of a function in an exact run that is made for certainty: what the first one loads delays its first retry."""
CALLS = 3
"""Of a function in one free run: a breaker stays closed so long."""
BUDGET = 90.0
"""Real seconds for the many episodes of waits that cannot be made exact."""
SLOWER = 4.0
"""How much slower time runs before waits that were seen in scaled time are said to be wrong."""
JITTER_SCALE = 5.0
"""How much faster time may run, for each second of the longest wait, so that a tenth of it is clear of noise."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How a workload waits under one fault.

    Args:
        patient: the workload and the service.
        trouble: the fault.
        thorough: whether it is the fault under which jitter is looked for with more episodes.
    """

    patient: Patient
    trouble: Trouble
    thorough: bool = False

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service and the fault."""
        return f"{ITEM}::{self.patient.workload}::{self.patient.service}::{self.trouble.name}"

    def run(self) -> ExperimentResult:
        """Make as many runs as the verdict needs."""
        tempo = self.patient.tempo()
        scale = tempo.scale(at_most=UNSCALED / 2) if self.trouble.in_real_time else tempo.scale()
        if self.thorough and tempo.is_decided:
            scale = tempo.record.time_scale
        series = _Series(self, tempo, scale)
        evidence = series.judge()
        slower = self._slower(evidence, tempo, scale)
        if slower < scale:
            series = _Series(self, tempo, slower)
            evidence = series.judge()
        return result_of([self._told(evidence)], series.last)

    def _slower(self, evidence: Evidence, tempo: Tempo, scale: float) -> float:
        """Return how fast time may run where more can be seen: scaled time makes a busy machine's lateness longer."""
        if not tempo.ended or tempo.total > UNSCALED:
            return scale
        if evidence.outcome == "unproven":
            return 1.0
        return max(1.0, scale / SLOWER) if _by_shape(evidence) else scale

    def _told(self, evidence: Evidence) -> Evidence:
        why = f"{self.trouble.title}: {evidence.why}" if evidence.why else ""
        fix = evidence.fix
        resumed = self.patient.laboratory.workload(self.patient.workload).resume == "rerun"
        if evidence.outcome == "failed" and resumed and "was tried once" in why:
            fix += "; that the whole command is started again is no retry, nothing waits before it"
        subject = subject_of(self.patient.workload, self.patient.service)
        kind = self.patient.laboratory.configuration.services[self.patient.service].kind
        return advised(replace(evidence, subject=subject, why=why, fix=fix), kind)


class _Series:
    """The runs under one fault on one time scale.

    Args:
        waits: what is tried.
        tempo: what is known already.
        scale: how much faster time runs.
    """

    def __init__(self, waits: Waits, tempo: Tempo, scale: float) -> None:
        self._patient = waits.patient
        self._trouble = waits.trouble
        self._id = waits.id
        self._thorough = waits.thorough
        self._tempo = tempo
        self._scale = scale
        fits = waits.thorough and tempo.pinnable and tempo.record.time_scale == scale
        self._pinned: list[RunRecord] = [tempo.record] if fits else []
        self._free: list[RunRecord] = []

    @property
    def last(self) -> RunRecord:
        """The run that shows it best."""
        return (self._pinned or self._free)[0]

    def judge(self) -> Evidence:
        """Make runs until nothing more is to be learned, and judge them."""
        if self._tempo.pinnable and self._pin():
            return self._exact()
        return self._statistical()

    def _pin(self) -> bool:
        """Make the first exact runs, and say whether they are exact: short draws are alike by chance at times."""
        self._pinned = self._pinned or [self._run(pinned=True)]
        if self._tempo.exact and not self._pinned[0].escaped:
            return True
        wanted = PINNED_RUNS if self._pinned[0].escaped else 2
        while self._are_alike():
            if len(self._pinned) >= wanted:
                return True
            self._pinned.append(self._run(pinned=True))
        self._pinned = []
        return False

    def _exact(self) -> Evidence:
        judged = self._judged()
        while self._may_be_noise(judged) and len(self._pinned) < PINNED_RUNS:
            self._pinned.append(self._run(pinned=True, calls=WARM))
            judged = self._judged()
        evidence = judged.evidence
        if evidence.outcome == "passed":
            evidence = self._looked_closer(evidence)
        if self._trouble.single:
            evidence = replace(evidence, warnings=_without_jitter(evidence.warnings))
        return evidence

    def _are_alike(self) -> bool:
        return agree(self._pinned, self._patient, noise=CLOCK_NOISE * self._scale)

    def _may_be_noise(self, judged: WaitsJudgement) -> bool:
        """Whether more exact runs could say more, or take back what a busy machine has delayed."""
        if judged.wants_more:
            return True
        alike = len(self._pinned) >= LEAST_TO_FAIL and self._are_alike()
        return _by_shape(judged.evidence) and not alike

    def _looked_closer(self, evidence: Evidence) -> Evidence:
        """Add free episodes, which tell of jitter alone, and take the first waits in real time, side by side."""
        unscaled = self._unscaled
        real = [unscaled.run] if self._scale > 1 and unscaled.waits else []
        wanted = FREE_EPISODES if self._thorough else FEW_FREE_EPISODES
        free = [] if self._trouble.single else [self._quickly] * self._runs_for(wanted)
        made = self._side_by_side([*real, *free])
        if free:
            self._free = made[len(real) :]
            while self._episodes < wanted and len(self._free) < wanted:
                self._free.append(self._quickly())
            judged = self._judged().evidence
            evidence = judged if judged.outcome == "passed" else evidence
        if self._scale == 1:
            return evidence
        words = f"its waits were seen with its clocks running {self._scale:.2g} times as fast"
        return unscaled.confirmed(evidence, made[: len(real)], words)

    @property
    def _waits(self) -> tuple[float, ...]:
        return least_waits(self._pinned[0], self._patient)

    @property
    def _unscaled(self) -> Unscaled:
        return Unscaled(
            self._patient,
            seen=self._waits,
            besides=self._tempo.took - self._tempo.total,
            pinned=lambda deadlines: self._run(pinned=True, scale=1.0, deadlines=deadlines),
        )

    def _quickly(self) -> RunRecord:
        """Make a free run on a quick scale."""
        longest = max(self._waits, default=0.0)
        quick = min(LOOK_SCALE, JITTER_SCALE * longest) if self._tempo.scalable else 1.0
        return self._run(calls=CALLS, scale=max(self._scale, quick))

    def _statistical(self) -> Evidence:
        """Take free episodes until the judge has seen enough, or the time for it is over."""
        end = SYSTEM_CLOCK.monotonic() + BUDGET
        self._free.append(self._run(calls=CALLS))
        while self._lacks_episodes() and SYSTEM_CLOCK.monotonic() < end:
            self._take(min(AT_ONCE, self._runs_for(EPISODES - self._episodes)))
        judged = self._judged()
        while judged.wants_more and SYSTEM_CLOCK.monotonic() < end:
            self._take(AT_ONCE)
            judged = self._judged()
        if judged.wants_more:
            why = f"{judged.evidence.why or judged.evidence.warnings[-1]} ({self._episodes} episodes in {BUDGET:g} s)"
            why += "; the draws of its waits cannot be pinned"
            shorten = "shorten its waits and time-outs in tests, so that more episodes fit"
            drawn = "let waits be drawn by Python's `random`, or " if self._tempo.pinnable else ""
            fix = drawn + shorten
            return replace(judged.evidence, outcome="unproven", why=why, fix=fix)
        return judged.evidence

    def _lacks_episodes(self) -> bool:
        return self._episodes < EPISODES and len(self._free) < EPISODES and not self._stop_early()

    def _stop_early(self) -> bool:
        """Whether the number of tries alone decides it."""
        return self._judged().evidence.outcome in {"failed", "not-applicable"}

    def _runs_for(self, wanted: int) -> int:
        """Return how many runs so many episodes may take: a job is run to its end, the others are called again."""
        job = self._patient.laboratory.workload(self._patient.workload).shape == "job"
        return wanted if job else -(-wanted // CALLS)

    def _take(self, runs: int) -> None:
        self._free += self._side_by_side([lambda: self._run(calls=CALLS)] * runs)

    def _side_by_side(self, makers: Sequence[Callable[[], RunRecord]]) -> list[RunRecord]:
        return self._patient.laboratory.side_by_side(makers)

    @property
    def _episodes(self) -> int:
        return sum(bool(each.waits) for run in self._free for each in self._patient.episodes(run))

    def _run(
        self, *, pinned: bool = False, calls: int = 1, scale: float | None = None, deadlines: float = 2.0
    ) -> RunRecord:
        return self._patient.run(
            self._trouble.order,
            self._id,
            scale=scale or self._scale,
            pinned=pinned,
            calls=calls,
            deadlines=deadlines,
            pause=1.5 * self._tempo.took + 1.0 if calls > 1 else 0.0,
        )

    def _judged(self) -> WaitsJudgement:
        clean = self._patient.laboratory.clean(self._patient.workload)
        trials = Trials(
            fault=self._trouble.name,
            clean=clean.record,
            pinned=tuple(self._pinned),
            free=tuple(self._free),
        )
        replay = replay_of(self._id)
        return judge_waits(trials, workload=clean.workload, service=self._patient.service, replay=replay)


def _by_shape(evidence: Evidence) -> bool:
    """Whether it failed by how its waits follow each other."""
    return evidence.outcome == "failed" and "the waits " in evidence.why


def _without_jitter(warnings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(warning for warning in warnings if "jitter was not seen" not in warning)
