"""The decision engine of the retry: one operation's attempts so far, and whether another one follows."""

from __future__ import annotations

import random as _random
from typing import TYPE_CHECKING

from pytest_resilience.errors import CircuitBreakerOpenError
from pytest_resilience.events import AttemptFailed, GaveUp, RetriesSucceeded, tell
from pytest_resilience.runtime.exhaustion import LATEST, exhausted_since, mark_exhausted
from pytest_resilience.runtime.listeners import standard_listeners

if TYPE_CHECKING:
    from pytest_resilience.runtime.retry import Retry

_NOTE = "pytest_resilience: "


class Attempts:
    """Count one operation's attempts and decide, in plain methods, on the next; drivers wait and call.

    Each operation has its own, so that a policy object can be shared.
    """

    __slots__ = ("_before", "_first_failure", "delay", "number", "operation", "policy")

    def __init__(self, policy: Retry, operation: str, before: int) -> None:
        self.policy = policy
        self.operation = operation
        self.number = 0
        self.delay = 0.0
        self._before = before
        self._first_failure = 0.0

    def failed(self, error: Exception) -> bool:
        """Take note of a failure; return whether another attempt follows, after `delay` seconds."""
        self.number += 1
        if self.number == 1:
            self._first_failure = self.policy.clock.monotonic()
        reason = self._why_not_at_all(error) or self._why_no_more(error)
        if reason is not None:
            self._give_up(error, reason)
            return False
        self._tell(AttemptFailed(self.operation, self.number, error, self.delay))
        return True

    def succeeded(self) -> None:
        """Take note of a success that came after failures."""
        self._tell(RetriesSucceeded(self.operation, self.number + 1, self._elapsed()))

    def wait(self) -> None:
        """Block until the next attempt is due."""
        if self.delay > 0:
            self.policy.clock.sleep(self.delay)
        self._before = LATEST[0]

    async def wait_async(self) -> None:
        """Suspend the task until the next attempt is due."""
        if self.delay > 0:
            await self.policy.clock.sleep_async(self.delay)
        self._before = LATEST[0]

    def _why_not_at_all(self, error: Exception) -> str | None:
        """Return why this kind of failure is never tried again."""
        if isinstance(error, CircuitBreakerOpenError):
            return "an open breaker is not retried"
        if not isinstance(error, self.policy.retriable_exceptions):
            return f"{type(error).__name__} is not retriable"
        if not self.policy.retry_exhausted and exhausted_since(self._before, error):
            return "an inner layer has used up its own retries"
        return None

    def _why_no_more(self, error: Exception) -> str | None:
        """Return why a failure that may be tried again is not; else set the delay."""
        policy = self.policy
        if self.number > policy.max_retries:
            if policy.max_retries:
                mark_exhausted(error)
            return f"all {policy.max_retries} retries are used up"
        draw = policy.random or _random.random
        self.delay = policy.backoff.next_delay(self.number - 1, self.delay, draw)
        return None

    def _give_up(self, error: Exception, reason: str) -> None:
        elapsed = self._elapsed()
        if self.number > 1:
            _annotate(error, f"{self.operation} failed {self.number} times in {elapsed:.3g} s; {reason}")
        self._tell(GaveUp(self.operation, self.number, error, reason, elapsed))

    def _elapsed(self) -> float:
        return self.policy.clock.monotonic() - self._first_failure

    def _tell(self, event: object) -> None:
        listeners = self.policy.listeners
        tell(standard_listeners() if listeners is None else listeners, event)


def _annotate(error: BaseException, text: str) -> None:
    """Note something on an exception, in place of our earlier note: some code raises one instance again."""
    notes = [note for note in getattr(error, "__notes__", ()) if not str(note).startswith(_NOTE)]
    error.__notes__ = [*notes, _NOTE + text]
