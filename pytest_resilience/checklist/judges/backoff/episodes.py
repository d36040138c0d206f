"""Episodes: what one operation tried, from its first failure until it succeeded or gave up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.explore.at_once import callers_at_once
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.backoff.turns import STALL, turns_of, wait_between
from pytest_resilience.checklist.records.asides import Asides
from pytest_resilience.checklist.records.attempts import CONNECT, Attempt, attempts
from pytest_resilience.checklist.records.progress import Progress
from pytest_resilience.checklist.records.windows import is_over, windows
from pytest_resilience.checklist.thresholds import CLOCK_NOISE, LEAST_ATTEMPTS

NEW_OPERATION = 0.5
"""A wait below this part of the first one, after at least two, is where the next operation begins."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One operation under a fault.

    Args:
        tries: its attempts, from the first that failed.
        waits: from the end of each to the start of the next.
        ended: whether the call or process that it belongs to came to its end.
        timed: whether the ends were seen; else `waits` are from start to start, less what the shortest takes.
        twice: whether each try is one that was sent twice, the second time at once.
    """

    tries: tuple[Attempt, ...]
    waits: tuple[float, ...]
    ended: bool
    timed: bool = True
    twice: bool = False

    @property
    def what(self) -> str:
        """The operation."""
        return next((attempt.what for attempt in self.tries if attempt.what != CONNECT), CONNECT)


NO_ASIDES = Asides()
NO_PROGRESS = Progress()


def episodes(
    run: RunRecord,
    service: str,
    *,
    exact: bool = False,
    units: int = 1,
    asides: Asides = NO_ASIDES,
    usual: Progress = NO_PROGRESS,
) -> tuple[Episode, ...]:
    """Return what was tried again, and when.

    Args:
        run: with a fault on the service.
        service: whose traffic is read.
        exact: the waits of one operation do not vary: where they fall back, the next operation begins.
        units: how many operations go on at the same time, at most, where nothing tells their attempts apart; those of
            exact ones take turns.
        asides: what the workload does between its answers, which is none of their operations.
        usual: what it asks for undisturbed.
    """
    tried = asides.without(attempt for attempt in attempts(run, service) if not attempt.is_cleanup)
    noise = CLOCK_NOISE * run.time_scale
    found: list[Episode] = []
    for window, answered in windows(run, later=asides.later):
        for tries in _operations([a for a in tried if window[0] <= a.began <= window[1]], usual):
            ended = is_over(tries, window[1]) if asides.later else answered
            turns = turns_of(tries, units, noise=noise) if exact else None
            for each in turns or [tries]:
                whole = _with_second_tries_joined(_episode(each, ended=ended), noise)
                found += _parts(whole, is_mixed=units > 1 and turns is None) if exact else [whole]
    return tuple(found)


def _parts(whole: Episode, *, is_mixed: bool) -> Sequence[Episode]:
    """Return the operations one after the other; where several may be mixed, no such part has too few tries for it."""
    parts = list(_split(whole)) if whole.timed else [whole]
    return [whole] if is_mixed and max(len(part.tries) for part in parts) < LEAST_ATTEMPTS else parts


def units_of(clean: RunRecord, workload: WorkloadDeclaration, service: str) -> int:
    """Return how many operations that nothing tells apart go on at the same time in an undisturbed run, at most.

    A server is asked one thing at a time where its waits are measured.
    """
    return 1 if workload.shape == "server" else max(1, callers_at_once(clean, service))


def whose_logins(workload: str, service: str) -> str:
    """Say why it is not known which operations failed logins belong to."""
    return f"{workload} connects to {service!r} between its answers, too: whose logins failed is not known"


def round_trip(clean: RunRecord, service: str) -> float:
    """Return what one exchange usually takes when nothing is broken, 0 where that was not seen."""
    took = [
        a.ended - a.began for a in attempts(clean, service) if a.succeeded and a.ended and not a.is_prelude
    ]
    return median(took) if took else 0.0


def _operations(tried: Sequence[Attempt], usual: Progress) -> Iterator[list[Attempt]]:
    """Yield what belongs together: requests of one template, or all that a database connection lost.

    Where requests of one template take turns, each that is tried again is one operation; where they go on as
    undisturbed, so is each that is asked for again after others.
    """
    is_http = any(attempt.what.partition(" ")[2].startswith("/") for attempt in tried)
    if not is_http:
        yield from _runs_of_failures(_without_preludes(tried))
        return
    if (turns := usual.turns(tried)) is not None:
        for turn in turns:
            yield from _runs_of_failures(turn)
        return
    lost = [attempt for attempt in tried if attempt.what == CONNECT]
    names = dict.fromkeys(attempt.what for attempt in tried if attempt.what != CONNECT)
    for number, name in enumerate(names):
        same = [attempt for attempt in tried if attempt.what == name] + (lost if number == 0 else [])
        for tries in _told_apart(sorted(same, key=lambda attempt: attempt.began)):
            yield from _runs_of_failures(tries)


def _told_apart(tried: Sequence[Attempt]) -> list[list[Attempt]]:
    """Return the attempts by what they ask for, where something is asked for again.

    Where each asks for something else, as with a time in its address, they are one.
    """
    by_target: dict[str | None, list[Attempt]] = {}
    for attempt in tried:
        by_target.setdefault(attempt.target, []).append(attempt)
    always_new = len(by_target) == len(tried)
    return [list(tried)] if always_new or None in by_target else list(by_target.values())


def _without_preludes(tried: Sequence[Attempt]) -> list[Attempt]:
    """Join what prepares a unit of work with the statement that follows it there: the attempt began with it."""
    joined: list[Attempt] = []
    preludes: defaultdict[int, list[Attempt]] = defaultdict(list)
    losses: list[float] = []
    for attempt in tried:
        steps = preludes[attempt.connection]
        steps.append(attempt)
        if attempt.is_prelude and not attempt.failed:
            continue
        before = [loss for loss in losses if loss <= steps[0].began]
        if before:
            losses.remove(min(before))  # of several at the same time, whose turn it is
        joined.append(replace(attempt, began=_began(steps, min(before, default=None))))
        if attempt.failed and attempt.ended is not None:
            losses.append(attempt.ended)
        del preludes[attempt.connection]
    return sorted(joined, key=lambda attempt: attempt.began)


def _began(steps: Sequence[Attempt], lost: float | None) -> float:
    """Return when an attempt of these steps began; after a loss that is where the longest silence ended.

    A client may connect anew the moment it has lost a connection (Django does), and wait then.
    """
    if lost is None:
        return steps[0].began
    ends = [lost, *(step.ended or step.began for step in steps[:-1])]
    silences = [step.began - end for step, end in zip(steps, ends, strict=True)]
    return steps[silences.index(max(silences))].began


def _runs_of_failures(tried: Sequence[Attempt]) -> Iterator[list[Attempt]]:
    """Yield each series of failures with the success that ends it."""
    series: list[Attempt] = []
    for attempt in tried:
        if attempt.failed or series:
            series.append(attempt)
        if not attempt.failed and series:
            yield series
            series = []
    if series:
        yield series


def _episode(tries: Sequence[Attempt], *, ended: bool) -> Episode:
    """Return the waits; a client that closes a hanging connection late hides when it gave up."""
    waits = [wait_between(before, after) for before, after in pairwise(tries)]
    if all(wait is not None for wait in waits):
        return Episode(tuple(tries), tuple(wait for wait in waits if wait is not None), ended)
    apart = [after.began - before.began for before, after in pairwise(tries)]
    return Episode(tuple(tries), tuple(one - min(apart) for one in apart), ended, timed=False)


def _with_second_tries_joined(whole: Episode, noise: float) -> Episode:
    """Join each try with the one that follows it at once, where a wait follows each such pair.

    A client may send an idempotent request again by itself when its connection is lost (RFC 9110, 9.2.2; aiohttp does).
    """
    at_once, waits = whole.waits[0::2], whole.waits[1::2]
    if len(at_once) < 2 or not whole.timed or max(at_once) > noise or min(waits) <= STALL * noise:
        return whole
    pairs = zip(whole.tries[0::2], whole.tries[1::2], strict=False)
    tries = [replace(second, began=first.began) for first, second in pairs]
    alone = whole.tries[2 * len(tries) :]
    return replace(whole, tries=(*tries, *alone), waits=waits, twice=True)


def _split(whole: Episode) -> Iterator[Episode]:
    """Yield the operations of a series in which a wait falls back to less than half the first one."""
    start = 0
    base = 0.0
    for number, wait in enumerate(whole.waits):
        if number - start < 2 or not base:
            base = base or wait
        elif wait < NEW_OPERATION * base:
            yield _part(whole, start, number, ended=True)
            start, base = number + 1, 0.0
    yield _part(whole, start, len(whole.waits), ended=whole.ended)


def _part(whole: Episode, start: int, end: int, *, ended: bool) -> Episode:
    tries, waits = whole.tries[start : end + 1], whole.waits[start:end]
    return replace(whole, tries=tries, waits=waits, ended=ended)
