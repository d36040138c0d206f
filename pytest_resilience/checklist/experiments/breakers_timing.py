"""How long a service is lost in the run in which a breaker is judged, and how fast time runs in it."""

from __future__ import annotations

from pytest_resilience.checklist.experiments.breakers_calls import Opening
from pytest_resilience.checklist.thresholds import BREAKER_FAILURES

CALLS_A_PERIOD = 12
LEAST_LOST = BREAKER_FAILURES + 4
"""Calls while the service is lost and the breaker open."""
LOST_PERIODS, BACK_PERIODS = 2.3, 2.6
"""Reset periods for which the service is lost, and for which calls go on when it is back."""
QUICK = 10.0
"""Seconds of an experiment that is made in real time."""
REAL_PACE = 0.05
"""Real seconds from call to call, at least."""
MOST_SCALE = 60.0


def quickest(opened: Opening) -> float:
    """Return how much faster time runs in the run that is judged first; a short one is made in real time."""
    if whole_run(opened) <= QUICK:
        return 1.0
    return min(MOST_SCALE, max(1.0, pace_of(opened) / REAL_PACE))


def pace_of(opened: Opening) -> float:
    """Return the seconds from one call to the next in the run that is judged."""
    return max((opened.period or 0.0) / CALLS_A_PERIOD, opened.apart, 0.01)


def cycle(opened: Opening) -> float:
    """Return the seconds of a reset period and of the trial after it."""
    return (opened.period or 0.0) + max(opened.seconds / max(1, opened.calls), opened.settles)


def lasts(opened: Opening) -> float:
    """Return for how many seconds the service is lost: for some reset periods, and for enough calls."""
    calls = LEAST_LOST * max(pace_of(opened), opened.refusal)
    return opened.seconds + opened.settles + max(LOST_PERIODS * cycle(opened), calls)


def whole_run(opened: Opening) -> float:
    """Return the seconds of the run that is judged."""
    return lasts(opened) + BACK_PERIODS * cycle(opened)
