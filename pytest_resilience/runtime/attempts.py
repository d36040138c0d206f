"""The decision engine of the retry: one operation's attempts so far, and whether another one follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_resilience.errors import CircuitBreakerOpenError, DeadlineExceededError
from pytest_resilience.events import AttemptFailed, GaveUp, RetriesSucceeded, tell
from pytest_resilience.runtime.deadline import Deadline, remaining_time
from pytest_resilience.runtime.exhaustion import LATEST, exhausted_since, mark_exhausted, origins
from pytest_resilience.runtime.listeners import standard_listeners
from pytest_resilience.runtime.notes import notes_of
from pytest_resilience.runtime.retry_after import retry_after_of

if TYPE_CHECKING:
    from pytest_resilience.runtime.retry_policy import Retry

_NOTE = "pytest_resilience: "


class Attempts:
    """Count one operation's attempts and decide, in plain methods, on the next; drivers wait and call.

    Each operation has its own, so that a policy object can be shared.
    """

    __slots__ = (
        "_before",
        "_ends_at",
        "_first_failure",
        "_last_failure",
        "delay",
        "key",
        "number",
        "operation",
        "policy",
    )

    def __init__(self, policy: Retry, operation: str, before: int, started: float) -> None:
        self.policy = policy
        self.operation = operation
        self.number = 0
        self.delay = 0.0
        self.key = policy.key() if callable(policy.key) else policy.key
        self._before = before
        self._ends_at = None if policy.deadline is None else started + policy.deadline
        self._first_failure = 0.0
        self._last_failure: Exception | None = None

    def failed(self, error: Exception) -> bool:
        """Take note of a failure; return whether another attempt follows, after `delay` seconds."""
        self.number += 1
        if self.number == 1:
            self._first_failure = self.policy.clock.monotonic()
        reason = self._why_not_at_all(error) or self._why_no_more(error)
        if reason is not None:
            self._give_up(error, reason)
            return False
        self._last_failure = error
        self._tell(AttemptFailed(self.operation, self.number, error, self.delay))
        return True

    def succeeded(self) -> None:
        """Take note of a success; worth a word only when it came after failures."""
        self._last_failure = None
        if self.number:
            self._tell(RetriesSucceeded(self.operation, self.number + 1, self._elapsed()))

    def wait(self) -> None:
        """Block until the next attempt is due; a delay of zero does not sleep."""
        if self.delay > 0:
            self.policy.clock.sleep(self.delay)
        self._before = LATEST[0]

    async def wait_async(self) -> None:
        """Suspend the task until the next attempt is due."""
        if self.delay > 0:
            await self.policy.clock.sleep_async(self.delay)
        self._before = LATEST[0]

    def limit(self) -> Deadline | None:
        """Return the time that the next attempt has: its own or what is left of all, whichever ends first."""
        policy = self.policy
        if not policy.timed:
            return None
        now = policy.clock.monotonic()
        if self._ends_at is not None and (policy.timeout is None or self._ends_at - now <= policy.timeout):
            return policy.terms(self.operation, whole=True).until(self._ends_at)
        return policy.terms(self.operation, whole=False).until(now + (policy.timeout or 0.0))

    def _why_not_at_all(self, error: Exception) -> str | None:
        """Return why this kind of failure is never tried again."""
        policy = self.policy
        if isinstance(error, CircuitBreakerOpenError):
            return "a breaker is open"
        if not policy.is_retriable(error):
            return f"{type(error).__name__} is not retriable"
        carries = error.__cause__ is not None or isinstance(error, BaseExceptionGroup)
        if carries and any(isinstance(each, CircuitBreakerOpenError) for each in origins(error)):
            return "a breaker is open"
        if not policy.retry_exhausted and exhausted_since(self._before, error):
            return "a retry inside it is used up already"
        if policy.write and not policy.idempotent and policy.key is None:
            return "a write is tried again only if it is declared idempotent or has a key"
        return None

    def _why_no_more(self, error: Exception) -> str | None:
        """Return why a failure that may be tried again is not, and mark it so; else set the delay."""
        reason = self._used_up() or self._too_long(error) or self._over_budget()
        if reason is not None and self.policy.max_retries:
            mark_exhausted(error)
        return reason

    def _used_up(self) -> str | None:
        retries = self.policy.max_retries
        return f"all {retries} retries are used up" if self.number > retries else None

    def _too_long(self, error: Exception) -> str | None:
        """Set the delay; return why it is too long to wait."""
        policy = self.policy
        asked = retry_after_of(error, policy.clock) or 0.0
        if asked > policy.max_retry_after:
            return f"it asks to wait {asked:.3g} s, more than {policy.max_retry_after:.3g} s"
        draw = policy.random or _draw
        self.delay = max(policy.backoff.next_delay(self.number - 1, self.delay, draw), asked)
        left = self._time_left()
        if left is None or self.delay < left:
            return None
        return f"its deadline leaves no time to wait {self.delay:.3g} s and try again"

    def _over_budget(self) -> str | None:
        budget = self.policy.retry_budget
        if budget is None or budget.spend():
            return None
        return f"the retry budget {budget.name} is used up"

    def _time_left(self) -> float | None:
        around = remaining_time()
        if self._ends_at is None:
            return around
        own = self._ends_at - self.policy.clock.monotonic()
        return own if around is None else min(own, around)

    def _give_up(self, error: Exception, reason: str) -> None:
        elapsed = self._elapsed()
        if self.number > 1:
            note(
                error,
                f"{self.operation} failed {self.number} times, the last {elapsed:.3g} s after the first; {reason}",
            )
        if isinstance(error, (DeadlineExceededError, CircuitBreakerOpenError)) and error.__cause__ is None:
            error.__cause__ = self._last_failure  # why the time, or the breaker's patience, was used up
        self._last_failure = None
        self._tell(GaveUp(self.operation, self.number, error, reason, elapsed))

    def _elapsed(self) -> float:
        return self.policy.clock.monotonic() - self._first_failure

    def _tell(self, event: object) -> None:
        listeners = self.policy.listeners
        tell(standard_listeners() if listeners is None else listeners, event)


def _draw() -> float:
    """Draw from `random.random`, looked up anew, so that whoever pins it is obeyed."""
    import random  # noqa: PLC0415 - 5 ms that a program without failures need not pay

    return random.random()


def note(error: BaseException, text: str) -> None:
    """Note something on an exception, in place of our earlier note: some code raises one instance again."""
    notes = [old for old in notes_of(error) if not str(old).startswith(_NOTE)]
    BaseException.__setattr__(error, "__notes__", [*notes, _NOTE + text])  # its own may refuse it
