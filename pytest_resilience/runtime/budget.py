"""Retry budgets: however many callers there are, retries stay a small part of the load on a dependency."""

from __future__ import annotations

import sys
from collections import OrderedDict
from threading import RLock

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.runtime.arguments import fraction, seconds, whole_number
from pytest_resilience.runtime.forks import renew_in_child
from pytest_resilience.runtime.window import SlidingWindow


class RetryBudget:
    """Allow a retry only while retries in the window are at most `minimum`, or `ratio` of the first attempts in it.

    Shared by everything that calls the same dependency; safe for threads.

    Args:
        name: of the dependency, for messages.
        window: seconds.
        minimum: retries that are always allowed in a window.
        ratio: retries allowed for each first attempt in the window.
        clock: where time comes from.
    """

    def __init__(
        self,
        name: str = "budget",
        *,
        window: float = 10.0,
        minimum: int = 10,
        ratio: float = 0.2,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        seconds("window", window, zero=False)
        self.name = name
        self.minimum = whole_number("minimum", minimum, least=0)
        self.ratio = fraction("ratio", ratio)
        self._clock = clock
        self._lock = RLock()  # a signal handler may come in the middle
        renew_in_child(self, _lock=RLock)
        self._first_attempts = SlidingWindow(window)
        self._retries = SlidingWindow(window, generous=True)

    def begin(self) -> None:
        """Count a first attempt."""
        with self._lock:
            self._first_attempts.add(self._clock.monotonic())

    def spend(self) -> bool:
        """Return whether a retry is allowed, and count it if so."""
        with self._lock:
            now = self._clock.monotonic()
            self._first_attempts.forget(now)
            self._retries.forget(now)
            if self._retries.sums[0] + 1 > max(self.minimum, self.ratio * self._first_attempts.sums[0]):
                return False
            self._retries.add(now)
            return True


_CAPACITY = 1000
_budgets: OrderedDict[str, RetryBudget] = OrderedDict()
_lock = RLock()  # a signal handler may come in the middle
renew_in_child(sys.modules[__name__], _lock=RLock)


def budget_for(dependency: str) -> RetryBudget:
    """Return this process's budget for a dependency; of more than 1,000 the one unused for longest is dropped."""
    with _lock:
        budget = _budgets.get(dependency)
        if budget is None:
            budget = _budgets[dependency] = RetryBudget(dependency)
        _budgets.move_to_end(dependency)
        if len(_budgets) > _CAPACITY:
            _budgets.popitem(last=False)
        return budget
