"""Judge the waits of one operation under one fault: enough attempts, that end, further and further apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.backoff.episodes import (
    Episode,
    episodes,
    round_trip,
    units_of,
    whose_logins,
)
from pytest_resilience.checklist.judges.backoff.growth import (
    Growth,
    growth_of,
    rough_growth,
    without_first_zero,
)
from pytest_resilience.checklist.judges.backoff.repeats import repeats_change
from pytest_resilience.checklist.judges.backoff.statistics import aligned, free_growth, hides_jitter, varies
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import missing_proof, uses
from pytest_resilience.checklist.records.asides import asides
from pytest_resilience.checklist.records.attempts import CONNECT
from pytest_resilience.checklist.records.progress import progress
from pytest_resilience.checklist.thresholds import (
    CLEAN_ROUND_TRIPS,
    CLOCK_NOISE,
    JITTER_NOISE,
    LEAST_ATTEMPTS,
    MOST_ATTEMPTS,
    PINNED_RUNS,
    TURN_SAMENESS,
)
from pytest_resilience.checklist.verdict import OPEN, Evidence

ITEM = "backoff"
_GROW = "wait twice as long after each failure (base, 2 base, 4 base, ...), with jitter and a cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """The runs of one fault on one service.

    Args:
        fault: in words, `503`, `reset`, `hang`.
        clean: the undisturbed run.
        pinned: runs whose random draws answered their midpoint.
        free: runs that drew as they always do.
    """

    fault: str
    clean: RunRecord
    pinned: tuple[RunRecord, ...] = ()
    free: tuple[RunRecord, ...] = ()

    @property
    def noise(self) -> float:
        """Seconds of the workload's time by which a judged wait may be off: an exact one where there are any."""
        return _noise(self.pinned or self.free)

    @property
    def free_noise(self) -> float:
        """The same of the free waits, whose runs may be on another time scale."""
        return _noise(self.free)


def _noise(runs: Sequence[RunRecord]) -> float:
    return CLOCK_NOISE * max((run.time_scale for run in runs), default=1.0)


@dataclass(frozen=True, slots=True)
class WaitsJudgement:
    """The evidence, and whether more runs (pinned ones where there are any) could say more."""

    evidence: Evidence
    wants_more: bool = False


def judge_waits(
    trials: Trials, *, workload: WorkloadDeclaration, service: str, replay: str = ""
) -> WaitsJudgement:
    """Return what the runs of one fault show of the waits."""
    case = Case(item=ITEM, subject=subject_of(workload.name, service, trials.fault), replay=replay)
    if not uses(trials.clean, service) and not trials.clean.bypasses:
        return WaitsJudgement(case.not_applicable(f"the undisturbed run makes no call to {service!r}"))
    for run in (*trials.pinned, *trials.free):
        if missing := missing_proof(run, service=service, clean=trials.clean):
            return WaitsJudgement(case.unproven(*missing))
    units, besides = units_of(trials.clean, workload, service), asides(trials.clean, service)
    usual = progress(trials.clean, service)
    pinned = [
        found
        for run in trials.pinned
        for found in episodes(run, service, exact=True, units=units, asides=besides, usual=usual)
    ]
    free = [found for run in trials.free for found in episodes(run, service, asides=besides, usual=usual)]
    judged = _judge_seen(case, trials, service, pinned, free, units)
    if besides.connects and judged.evidence.outcome in OPEN and _are_logins(pinned, free):
        return WaitsJudgement(case.not_applicable(whose_logins(workload.name, service)))
    if (
        judged.evidence.outcome != "passed"
        and besides.every is not None
        and _are_turns([*pinned, *free], besides.every)
    ):
        return WaitsJudgement(
            case.not_applicable(
                f"{workload.name} asks {service!r} between its answers every {besides.every:.2g} s, whatever came of it"
            )
        )
    return judged


def _are_turns(seen: Sequence[Episode], every: float) -> bool:
    """Tell whether what failed is asked for again when it is its turn, as undisturbed, and is no second try."""
    longest = max(seen, key=lambda episode: len(episode.tries), default=None)
    if longest is None or len(longest.tries) <= MOST_ATTEMPTS:
        return False
    gaps = [after.began - before.began for before, after in pairwise(longest.tries)]
    return abs(median(gaps) - every) <= TURN_SAMENESS * every


def _are_logins(*seen: Sequence[Episode]) -> bool:
    """Tell whether nothing got further than its connection, so that it says not what it was for."""
    return all(episode.what == CONNECT for episodes in seen for episode in episodes)


def _judge_seen(
    case: Case, trials: Trials, service: str, pinned: Sequence[Episode], free: Sequence[Episode], units: int
) -> WaitsJudgement:
    counted = _count(case, [*pinned, *free], exact=pinned, units=units)
    if counted is not None:
        return WaitsJudgement(counted)
    judged = _judge_growth(case, trials, service, pinned, free)
    if units > 1 and judged.evidence.outcome == "failed":
        return WaitsJudgement(_mixed(case, judged.evidence, units), wants_more=judged.wants_more)
    return judged


def _mixed(case: Case, evidence: Evidence, units: int) -> Evidence:
    """Say that the waits of several operations cannot be told apart."""
    return case.unproven(
        f"{evidence.why}; but {units} connections work at the same time, so these may be waits of several operations",
        "declare the workload so that it does one thing at a time, by an argument or a variable under `env`",
    )


def _count(case: Case, seen: Sequence[Episode], *, exact: Sequence[Episode], units: int) -> Evidence | None:
    """Judge the number of attempts, and that they end; none where that is as it should be.

    Attempts of operations that go on at the same time cannot be told apart: `units` of them may have as many each.
    """
    if not seen:
        return case.unproven(
            "no attempt that failed could be followed to the next one",
            "let the client close a connection that it gives up, and give each call a time-out",
        )
    most = max(exact or seen, key=lambda episode: len(episode.tries))
    tries, what = len(most.tries), most.what
    if not most.ended and tries < LEAST_ATTEMPTS and most.tries[-1].kind == "hang":
        return case.failed(
            f"{what} got no answer, and had not come back at the deadline, in try {tries}",
            "give the call a time-out of the client's (connect and read), so that it ends and can be tried again",
        )
    if not most.ended and tries >= LEAST_ATTEMPTS:
        return case.failed(
            f"{what} was tried {tries} times and had not ended at its deadline",
            "limit the attempts, or give the whole operation a deadline that they keep",
        )
    if tries > MOST_ATTEMPTS * units:
        operations = "one operation" if units == 1 else f"{units} operations at the same time, at most"
        return case.failed(
            f"{what} was tried {tries} times for {operations}, more than {MOST_ATTEMPTS * units}: layers that retry "
            "multiply",
            "let one layer retry; switch the retries of the client library off, or mark what an inner layer gave up",
        )
    return _too_few(case, most) if tries < LEAST_ATTEMPTS else None


def _too_few(case: Case, most: Episode) -> Evidence:
    tries = "once" if len(most.tries) == 1 else f"{len(most.tries)} times"
    if len(most.tries) == 1 and repeats_change(most.tries[0]):
        return case.not_applicable(
            f"{most.what} is not tried again, rightly: nobody knows whether it was done"
        )
    if most.tries[-1].succeeded:  # a pool had a connection that a fault of logins could not meet
        return case.not_applicable(
            f"{most.what} came through in try {len(most.tries)}: the fault met it no more"
        )
    return case.failed(
        f"{most.what} was tried {tries}; a transient fault of a second ends the operation",
        f"try at least {LEAST_ATTEMPTS} times: {_GROW}",
    )


def _judge_growth(
    case: Case, trials: Trials, service: str, pinned: Sequence[Episode], free: Sequence[Episode]
) -> WaitsJudgement:
    noise = trials.noise
    drawn = [episode.waits for episode in free if episode.waits and episode.timed]
    warnings = (*_twice((*pinned, *free)), *_jitter(drawn, noise=trials.free_noise))
    late = [episode.waits for episode in (*pinned, *free) if not episode.timed]
    if late:
        return WaitsJudgement(
            _say(case, rough_growth(max(late, key=len), noise=noise), max(late, key=len), warnings)
        )
    growth, waits, more = _growth(_exact_waits(pinned), drawn, noise=noise)
    more = more or (growth.kind == "unclear" and 0 < len(trials.pinned) < PINNED_RUNS)
    if unclear := _drowned(case, waits, round_trip(trials.clean, service), growth, noise):
        return WaitsJudgement(unclear, wants_more=0 < len(trials.pinned) < PINNED_RUNS)
    return WaitsJudgement(_say(case, growth, waits, warnings), wants_more=more)


def _growth(
    exact: tuple[float, ...], drawn: Sequence[Sequence[float]], *, noise: float
) -> tuple[Growth, tuple[float, ...], bool]:
    if len(exact) + 1 >= LEAST_ATTEMPTS:
        return growth_of(exact, noise=noise), exact, False
    growth, more = free_growth(drawn, noise=noise)
    lined = aligned(drawn, noise=noise)
    return growth, tuple(median(same) for same in zip(*lined, strict=True)) if lined else (), more


def _exact_waits(pinned: Sequence[Episode]) -> tuple[float, ...]:
    """Return the least of each wait, over the episodes of the usual length: a busy machine is late, never early."""
    lengths = Counter(len(episode.waits) for episode in pinned)
    usual = max(lengths, key=lambda length: (lengths[length], length), default=0)
    same = [episode.waits for episode in pinned if len(episode.waits) == usual]
    return tuple(min(waits) for waits in zip(*same, strict=True))


def _drowned(
    case: Case, waits: Sequence[float], trip: float, growth: Growth, noise: float
) -> Evidence | None:
    base = without_first_zero(waits, noise=noise)[0] if waits else 0.0
    if growth.kind == "immediate" or not waits or base >= CLEAN_ROUND_TRIPS * trip:
        return None
    return case.unproven(
        f"the first wait is {base:.3g} s, an undisturbed exchange takes {trip:.3g} s: the waits drown in it",
        f"wait at least {CLEAN_ROUND_TRIPS:g} round trips first, or let the test's service answer quicker",
    )


def _twice(seen: Sequence[Episode]) -> tuple[str, ...]:
    if not any(episode.twice for episode in seen):
        return ()
    return (
        "each try is sent twice, the second time at once: the client library's own, or a retry within a retry",
    )


def _jitter(drawn: Sequence[Sequence[float]], *, noise: float) -> tuple[str, ...]:
    if len(drawn) < 2:
        return ("whether the waits have jitter was not seen: no free episodes",)
    if varies(drawn, noise=noise):
        return ()
    if hides_jitter(drawn, noise=noise):
        return (
            "whether the waits have jitter was not seen: it would not show in the noise of so short ones",
        )
    least = JITTER_NOISE * noise
    return (
        f"no jitter of more than {least:.2g} s: all clients that failed together try again together; draw each wait",
    )


def _say(case: Case, growth: Growth, waits: Sequence[float], warnings: tuple[str, ...]) -> Evidence:
    if growth.note:
        warnings = (*warnings, growth.note)
    series = ", ".join(f"{wait:.3g}" for wait in waits)
    if growth.kind == "geometric":
        return case.passed(*warnings)
    if growth.kind == "unclear":
        return case.unproven(
            f"waits of {series} s: {growth.note}" if waits else growth.note,
            "run it unscaled, with more attempts or more episodes; " + _GROW,
        )
    words = {
        "immediate": "are none",
        "constant": "do not grow",
        "shrinking": "shrink",
        "linear": "grow linearly",
    }
    return case.failed(f"the waits {words[growth.kind]}: {series} s", _GROW, *warnings)
