"""The decisions of a breaker: whether a call goes through, what its outcome changes, and who is told."""

from __future__ import annotations

from threading import Lock

from pytest_resilience.clock import Clock
from pytest_resilience.errors import CircuitBreakerOpenError
from pytest_resilience.events import (
    CallRejected,
    CircuitClosed,
    CircuitHalfOpened,
    CircuitOpened,
    Listener,
    tell,
)
from pytest_resilience.runtime.breaker_states import (
    BreakerSettings,
    Closed,
    HalfOpen,
    Open,
    Outcome,
    Period,
)
from pytest_resilience.runtime.forks import renew_in_child
from pytest_resilience.runtime.listeners import standard_listeners


class Circuit:
    """The state of one breaker; its lock is held only while a decision is made.

    Args:
        settings: the breaker's numbers.
        name: for messages and events.
        listeners: told of each change; `None`: the standard library's logging.
        clock: where time comes from.
    """

    def __init__(
        self,
        settings: BreakerSettings,
        name: str | None,
        listeners: tuple[Listener, ...] | None,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.name = name
        self.clock = clock
        self.period: Period = Closed(settings)
        self._listeners = listeners
        self._lock = Lock()
        renew_in_child(self, _lock=Lock)

    def refuse_until(self, moment: float) -> None:
        """Refuse a call while a moment has not come; needs no lock, and keeps nothing."""
        wait = moment - self.clock.monotonic()
        if wait > 0:
            raise self._refused(wait)

    def admit(self, call: object, now: float) -> Period:
        """Let a call through; return the period in which it begins.

        Raises:
            CircuitBreakerOpenError: it may not go through.
        """
        period = self.period
        if type(period) is Closed:
            return period
        with self._lock:
            opened = isinstance(self.period, Open) and now >= self.period.until
            if opened:
                self.period = HalfOpen(self.settings, self.period.failures)
            period = self.period
            wait = period.admit(call, now)
        if opened:
            self._tell(CircuitHalfOpened(self.title()))
        if wait > 0:
            raise self._refused(wait)
        return period

    def settle(
        self,
        period: Period,
        call: object,
        outcome: Outcome,
        *,
        seconds: float = 0.0,
        error: BaseException | None = None,
    ) -> None:
        """Take note of the outcome of a call that began in a period; in a later one it changes nothing."""
        slow = self.settings.slow_call is not None and seconds >= self.settings.slow_call
        now = self.clock.monotonic()
        with self._lock:
            following = period.settle(call, outcome, now, slow=slow) if self.period is period else None
            if following is None:
                return
            self.period = following
        if isinstance(following, Open):
            retry_after = following.until - now
            self._tell(CircuitOpened(self.title(), following.failures, error, retry_after))
        else:
            self._tell(CircuitClosed(self.title()))

    def outcome_of(self, error: BaseException) -> Outcome:
        """Return what an exception means: cancellation and exit signals, and what is not expected, do not count."""
        settings = self.settings
        counts = isinstance(error, Exception) and isinstance(error, settings.expected_exception)
        return (
            Outcome.FAILURE
            if counts and not isinstance(error, settings.ignored_exception)
            else Outcome.IGNORED
        )

    def reset(self) -> None:
        """Close the circuit and forget all failures."""
        with self._lock:
            self.period = Closed(self.settings)
        self._tell(CircuitClosed(self.title()))

    def title(self) -> str:
        """Return the name for messages and events."""
        return self.name or "unnamed"

    def _refused(self, wait: float) -> CircuitBreakerOpenError:
        if self._listeners:
            tell(self._listeners, CallRejected(self.title(), wait))
        error = CircuitBreakerOpenError.__new__(
            CircuitBreakerOpenError
        )  # refusals are many, and this is quicker
        error.retry_after = wait
        error.breaker = self.name
        return error

    def _tell(self, event: object) -> None:
        tell(standard_listeners() if self._listeners is None else self._listeners, event)
