"""The time of a change of charge, shared out so that some is left to undo it, and to give the lock back.

begin, check, put in charge, prove | restore what was before | unlock |
0                             forward                    undoing    deadline
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import DeadlineExceededError
from pytest_resilience.runtime.arguments import seconds
from pytest_resilience.runtime.deadline import Deadline, Terms, remaining_time

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_RESERVE = 30.0
"""Seconds that are kept for undoing at most: a few requests and their retries."""
RESERVE = 1 / 3
"""The part of a short deadline that is kept for undoing."""
UNLOCKING = 1 / 5
"""The part of that which is kept for giving the lock back."""


@dataclass(frozen=True, slots=True)
class AllottedTime:
    """What is left of a deadline to each part of a change; see the module.

    Args:
        limit: seconds of the whole.
        at: when it is over, on the clock.
        clock: where time comes from.
    """

    limit: float
    at: float
    clock: Clock = SYSTEM_CLOCK

    @classmethod
    def of(cls, deadline: float, *, clock: Clock = SYSTEM_CLOCK) -> AllottedTime:
        """Return the time that begins now: so many seconds, or what a deadline around leaves, if that is less.

        Raises:
            ValueError: the deadline is not above 0 seconds.
        """
        limit = seconds("deadline", deadline, zero=False)
        around = remaining_time()
        if around is not None:
            limit = min(limit, around)
        return cls(limit, clock.monotonic() + limit, clock)

    def forward(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call what begins, checks, or changes.

        Raises:
            DeadlineExceededError: its time is over, and what it did last may have taken effect.
        """
        return self._until(self._reserve).call(func, *args, **kwargs)

    def undoing(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call what restores; raises like `forward`, later."""
        return self._until(self._reserve * UNLOCKING).call(func, *args, **kwargs)

    def unlocking(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call what gives the lock back; raises like `forward`, at the very end."""
        return self._until(0.0).call(func, *args, **kwargs)

    @property
    def _reserve(self) -> float:
        return min(LONGEST_RESERVE, self.limit * RESERVE)

    def _until(self, before_end: float) -> Deadline:
        terms = Terms(self.limit, "Changing who is in charge", DeadlineExceededError, None, self.clock)
        return terms.until(self.at - before_end)
