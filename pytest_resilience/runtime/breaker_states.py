"""The three states of a breaker, each a small thing that admits calls and judges their outcomes.

None of them locks, calls user code or reads a clock: the breaker does. A state lives for one period: when the
breaker changes, it gets a new one, so that what began in an older period is told by identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeAlias

from pytest_resilience.runtime.arguments import exception_classes, fraction, seconds, whole_number
from pytest_resilience.runtime.window import SlidingWindow


class CircuitState(StrEnum):
    """What a breaker does with calls: let all through, none, or a few to find out (policy §3)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(Enum):
    """What a call means to a breaker."""

    SUCCESS = "success"
    FAILURE = "failure"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """The numbers of a breaker, documented where it takes them: see `CircuitBreaker`."""

    failure_threshold: int
    timeout: float
    expected_exception: tuple[type[BaseException], ...]
    ignored_exception: tuple[type[BaseException], ...]
    half_open_max_calls: int
    success_threshold: int
    trial_lease: float
    failure_rate: float | None
    slow_call: float | None
    slow_rate: float | None
    window: float
    minimum_calls: int

    def __post_init__(self) -> None:
        for name in ("failure_threshold", "half_open_max_calls", "success_threshold", "minimum_calls"):
            whole_number(name, getattr(self, name), least=1)
        for name in ("timeout", "trial_lease"):
            seconds(name, getattr(self, name))
        seconds("window", self.window, zero=False)
        for name in ("expected_exception", "ignored_exception"):
            object.__setattr__(self, name, exception_classes(name, getattr(self, name)))
        for name in ("failure_rate", "slow_rate"):
            if getattr(self, name) is not None:
                fraction(name, getattr(self, name))
        if self.slow_call is not None:
            seconds("slow_call", self.slow_call)
        elif self.slow_rate is not None:
            raise ValueError(
                f"slow_rate {self.slow_rate!r} needs slow_call, the seconds that make a call slow"
            )

    def is_measured(self) -> bool:
        """Return whether every single call counts, and not only failures in a row."""
        return self.failure_rate is not None or self.slow_call is not None


class Closed:
    """All calls go through; failures in a row, or too large a part of them, open the breaker."""

    state = CircuitState.CLOSED
    until = 0.0

    def __init__(self, settings: BreakerSettings) -> None:
        self.failures = 0
        self._settings = settings
        self._window = SlidingWindow(settings.window, 3) if settings.is_measured() else None
        self.quiet = self._window is None
        """A call that succeeds while there are no failures changes nothing: it needs no lock."""

    def admit(self, call: object, now: float) -> float:  # noqa: ARG002 - the three states have one shape
        """Let a call through; return 0."""
        return 0.0

    def settle(self, call: object, outcome: Outcome, now: float, *, slow: bool) -> Period | None:  # noqa: ARG002
        """Take note of a call's outcome; return the next period if there is to be one."""
        if outcome is Outcome.IGNORED:
            return None
        failed = outcome is Outcome.FAILURE
        self.failures = self.failures + 1 if failed else 0
        if self.failures >= self._settings.failure_threshold or self._is_too_bad(
            now, failed=failed, slow=slow
        ):
            return Open(self._settings, now, self.failures)
        return None

    def _is_too_bad(self, now: float, *, failed: bool, slow: bool) -> bool:
        """Count a call in the window; return whether too many of those in it failed or were slow."""
        window, settings = self._window, self._settings
        if window is None:
            return False
        window.add(now, _CALLS)
        if failed:
            window.add(now, _FAILURES)
        if slow:
            window.add(now, _SLOW)
        calls, failures, slow_calls = window.sums
        if calls < settings.minimum_calls:
            return False
        return (settings.failure_rate is not None and failures >= settings.failure_rate * calls > 0) or (
            settings.slow_rate is not None and slow_calls >= settings.slow_rate * calls > 0
        )


class Open:
    """No call goes through until a moment has come."""

    state = CircuitState.OPEN
    quiet = False

    def __init__(self, settings: BreakerSettings, now: float, failures: int) -> None:
        self.failures = failures
        self.until = now + settings.timeout

    def admit(self, call: object, now: float) -> float:  # noqa: ARG002 - the three states have one shape
        """Return the seconds until a trial call may go through; 0 or less: now."""
        return self.until - now

    def settle(self, call: object, outcome: Outcome, now: float, *, slow: bool) -> Period | None:  # noqa: ARG002
        """Return `None`: no call begins here."""
        return None


class HalfOpen:
    """A few trial calls at a time go through; the first that succeeds or fails decides.

    A trial that has not ended when its lease is over frees its place for another; its outcome counts all the same
    when it comes.
    """

    state = CircuitState.HALF_OPEN
    quiet = False
    until = 0.0

    def __init__(self, settings: BreakerSettings, failures: int) -> None:
        self.failures = failures
        self._settings = settings
        self._leases: dict[object, float] = {}
        self._successes = 0

    def admit(self, call: object, now: float) -> float:
        """Give a trial call a place; return 0, or the seconds until a place may be free."""
        self._leases = {one: until for one, until in self._leases.items() if until > now}
        if len(self._leases) >= self._settings.half_open_max_calls:
            return min(self._leases.values()) - now
        self._leases[call] = now + self._settings.trial_lease
        return 0.0

    def settle(self, call: object, outcome: Outcome, now: float, *, slow: bool) -> Period | None:
        """Take note of a trial's outcome; return the next period if there is to be one."""
        self._leases.pop(call, None)
        if outcome is Outcome.IGNORED:
            return None
        if outcome is Outcome.FAILURE or slow:
            return Open(self._settings, now, self.failures + 1)
        self._successes += 1
        return Closed(self._settings) if self._successes >= self._settings.success_threshold else None


Period: TypeAlias = Closed | Open | HalfOpen
_CALLS, _FAILURES, _SLOW = range(3)
