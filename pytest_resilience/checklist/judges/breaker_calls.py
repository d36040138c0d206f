"""What goes out to a service while calls are made: which of them sent it, where they do not wait for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from pytest_resilience.chaos.run.record import CallRecord, RunRecord
from pytest_resilience.checklist.records.asides import asides
from pytest_resilience.checklist.records.attempts import Attempt, attempts
from pytest_resilience.checklist.records.windows import windows


@dataclass(frozen=True, slots=True)
class Seen:
    """One call, and what was attempted in its time."""

    call: CallRecord
    attempts: tuple[Attempt, ...]

    @property
    def tries(self) -> int:
        """How many attempts that are."""
        return len(self.attempts)

    @property
    def lasted(self) -> float:
        """How many seconds until it was answered."""
        return (self.call.ended if self.call.ended is not None else float("inf")) - self.call.began

    def since(self, moment: float) -> Seen:
        """Return it without what was attempted before: what other calls that are under way send looks like its own."""
        return replace(self, attempts=tuple(each for each in self.attempts if each.began > moment))


def over(went_out: Sequence[Seen]) -> float:
    """Return when the last of some calls was answered, of those that were."""
    return max((one.call.ended for one in went_out if one.call.ended is not None), default=0.0)


def trials(calls: Sequence[Seen]) -> list[list[Seen]]:
    """Return the calls that went out while it was open, those in a row together."""
    return [list(group) for went_out, group in groupby(calls, key=lambda one: one.tries > 0) if went_out]


def reset_period(opened: Sequence[Seen]) -> float | None:
    """Return the time between trials, or from opening to the first; none where there was none."""
    starts = [opened[0].call.began, *(crowd[0].call.began for crowd in trials(opened))]
    gaps = [after - before for before, after in pairwise(starts)]
    return median(gaps) if gaps else None


def calls_seen(run: RunRecord, service: str, clean: RunRecord) -> list[Seen]:
    """Return each call with the attempts of its time; what is done between answers is no call's.

    Args:
        run: with calls.
        service: whose traffic is read.
        clean: the undisturbed run.
    """
    besides = asides(clean, service)
    tried = besides.without(real(run, service))
    times = windows(run, later=besides.later) if run.calls else ()
    return [
        Seen(call, tuple(each for each in tried if began <= each.began <= ended))
        for call, ((began, ended), _) in zip(run.calls, times, strict=True)
    ]


def failures_before(went_out: Sequence[CallRecord]) -> int:
    """Return after how many failures requests stopped: those over when the last call went out, and its own.

    Requests to a server come without waiting for each other, so that more may be on their way.
    """
    if not went_out:
        return 0
    last = went_out[-1].began
    return 1 + sum(call.ended is not None and call.ended <= last for call in went_out)


def operations(crowd: Sequence[Seen], usual: float) -> int:
    """Return how many of the calls went out, at least.

    A call that waits for the trial of another, or that merely comes while it is tried again, sends nothing itself: of
    calls at the same time as many went out as their tries are enough for.

    Args:
        crowd: calls in a row in whose time something went out.
        usual: tries of one that fails.
    """
    groups: list[list[Seen]] = []
    for one in crowd:
        if groups and one.call.began < max(_end(other) for other in groups[-1]):
            groups[-1].append(one)
        else:
            groups.append([one])
    tries = [len({attempt for one in group for attempt in one.attempts}) for group in groups]
    return sum(
        min(len(group), max(1, round(number / usual))) for group, number in zip(groups, tries, strict=True)
    )


def _end(one: Seen) -> float:
    return one.call.began + one.lasted


def real(run: RunRecord, service: str) -> list[Attempt]:
    """Return what was attempted, without what only ends something."""
    return [attempt for attempt in attempts(run, service) if not attempt.is_cleanup]
