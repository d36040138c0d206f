"""Search a workload for faults that it survives one by one, and not together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_resilience.chaos.explore.schedules.hunt import StopHuntError, hunt
from pytest_resilience.chaos.explore.schedules.smallest import smallest
from pytest_resilience.chaos.explore.schedules.stroke import Schedule
from pytest_resilience.chaos.explore.schedules.table import Table
from pytest_resilience.chaos.explore.schedules.trial import TriedSchedule, try_schedule
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.errors import HarnessError

OnRun = Callable[[int, TriedSchedule], None]
"""Called after each run with its number, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSchedule:
    """A schedule that does harm, made small.

    Args:
        trial: its last run that did harm.
        again: whether it did harm once more when it was replayed at the end.
    """

    trial: TriedSchedule
    again: bool

    @property
    def schedule(self) -> Schedule:
        """Its faults, those that hit."""
        return self.trial.fired


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search came to.

    Args:
        tried: schedules that were drawn and tried.
        hit: those of them that say something: at least one fault hit, and the workload could still come back.
        shrinking: runs that made the finding small.
        found: the finding; none where every schedule was survived.
        stopped: whether it was ended before its time.
        unproven: why it says nothing; none where it does.
    """

    tried: int = 0
    hit: int = 0
    shrinking: int = 0
    found: FoundSchedule | None = None
    stopped: bool = False
    unproven: str | None = None


def search(
    laboratory: Laboratory,
    workload: str,
    runs: int,
    *,
    seed: int,
    on_run: OnRun | None = None,
    stop: Callable[[], bool] | None = None,
) -> SearchResult:
    """Try random schedules of up to four faults on a workload, until one does harm; make that one small.

    Args:
        laboratory: where runs are made.
        workload: its name.
        runs: how many schedules are tried at most; making a finding small takes some more.
        seed: what the schedules follow from, together with the workload's fault points.
        on_run: is told of every run.
        stop: asked before every run whether to end here.

    Raises:
        HarnessError: something of ours did not work.
        ValueError: `runs` is not at least 1.
    """
    if runs < 1:
        raise ValueError(f"runs is {runs}: at least one schedule has to be tried")
    clean = laboratory.clean(workload)
    if clean.why_not is not None:
        return SearchResult(unproven=clean.why_not)
    if not clean.recording.points:
        return SearchResult(unproven=f"workload {workload} sent nothing that a fault could hit")
    trials = _Trials(laboratory, workload, on_run, stop)
    restarts = clean.workload.restarts
    table = Table.of(clean.recording.points, kills=restarts > 0)
    harmful = hunt(table, trials.does_harm, runs=runs, restarts=restarts, seed=seed)
    if trials.error is not None:
        raise trials.error
    return _result(trials, harmful)


def _result(trials: _Trials, harmful: Schedule | None) -> SearchResult:
    tried = tuple(trials.made.values())
    hit = sum(trial.unproven is None for trial in tried)
    found = None if harmful is None else _made_small(trials, harmful)
    return SearchResult(
        tried=len(tried),
        hit=hit,
        shrinking=trials.runs - len(tried),
        found=found,
        stopped=trials.stopped,
        unproven=None if hit or not tried else tried[0].unproven,
    )


def _made_small(trials: _Trials, harmful: Schedule) -> FoundSchedule:
    """Shrink by what receipts tell, and replay what is left."""
    best = trials.made[harmful]

    def fails(schedule: Schedule) -> Schedule | None:
        nonlocal best
        trial = trials.of(schedule)
        if not trial.failed:
            return None
        best = trial
        return trial.fired

    try:
        small = smallest(harmful, fails)
        replayed = trials.replay(small)
    except StopHuntError:
        if trials.error is not None:
            raise trials.error from None
        return FoundSchedule(trial=best, again=False)
    return FoundSchedule(trial=replayed if replayed.failed else best, again=replayed.failed)


@dataclass(slots=True)
class _Trials:
    """All runs of one search; each schedule is tried once."""

    laboratory: Laboratory
    workload: str
    on_run: OnRun | None
    stop: Callable[[], bool] | None
    made: dict[Schedule, TriedSchedule] = field(default_factory=dict)
    error: HarnessError | None = None
    stopped: bool = False
    runs: int = 0

    def does_harm(self, schedule: Schedule) -> bool:
        """Tell whether the workload did something wrong under it."""
        return self.of(schedule).failed

    def of(self, schedule: Schedule) -> TriedSchedule:
        """Try a schedule, or return what is known of it.

        Raises:
            StopHuntError: it was asked to stop, or something of ours did not work (`error`).
        """
        if schedule not in self.made:
            self.made[schedule] = self.replay(schedule)
        return self.made[schedule]

    def replay(self, schedule: Schedule) -> TriedSchedule:
        """Try a schedule, whatever is known of it."""
        if self.stop is not None and self.stop():
            self.stopped = True
            raise StopHuntError
        try:
            trial = try_schedule(self.laboratory, self.workload, schedule)
        except HarnessError as error:
            self.error = error
            raise StopHuntError from error
        self.runs += 1
        if self.on_run is not None:
            self.on_run(self.runs, trial)
        return trial
