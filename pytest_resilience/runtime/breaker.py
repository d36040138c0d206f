"""The circuit breaker: stop calling what fails, and let a few trial calls find out when it is back."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import update_wrapper
from threading import Lock
from typing import ParamSpec, TypeVar

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import CircuitBreakerOpenError
from pytest_resilience.runtime.arguments import exception_classes, seconds

P = ParamSpec("P")
T = TypeVar("T")


class CircuitState(Enum):
    """What a breaker does with calls: let all through, none, or a few to find out (policy §3)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class _Period:
    """A stretch of time in one state; a result counts only in the period in which its call began."""

    __slots__ = ("failures", "state", "trials", "until")

    def __init__(self, state: CircuitState, *, failures: int = 0, until: float = 0.0) -> None:
        self.state = state
        self.failures = failures
        self.until = until
        self.trials = 0


class CircuitBreaker:
    """A circuit breaker, shared by any number of threads and tasks (policy §3).

    Args:
        failure_threshold: failures in a row that open it.
        timeout: seconds after the last failure until a trial call is let through.
        expected_exception: only these count as failures.
        half_open_max_calls: trial calls at a time when half-open.
        name: for messages and events.
        clock: where time comes from.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        timeout: float = 60,
        expected_exception: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        *,
        half_open_max_calls: int = 1,
        name: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        for what, value in (
            ("failure_threshold", failure_threshold),
            ("half_open_max_calls", half_open_max_calls),
        ):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{what} must be a whole number, got {value!r}")
            if value < 1:
                raise ValueError(f"{what} must be 1 or more, got {value!r}")
        self.failure_threshold = failure_threshold
        self.timeout = seconds("timeout", timeout)
        self.expected_exception = exception_classes("expected_exception", expected_exception)
        self.half_open_max_calls = half_open_max_calls
        self.name = name or "breaker"
        self._clock = clock
        self._lock = Lock()
        self._period = _Period(CircuitState.CLOSED)

    @property
    def state(self) -> CircuitState:
        """The state now; an open breaker stays so until the first trial call."""
        return self._period.state

    @property
    def failure_count(self) -> int:
        """Failures in a row so far."""
        return self._period.failures

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function through the breaker; return what it returns.

        Raises:
            CircuitBreakerOpenError: the breaker is open; the function was not called.
        """
        period = self._period
        if period.state is not CircuitState.CLOSED:
            period = self._admit()
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            counts = isinstance(error, Exception) and isinstance(error, self.expected_exception)
            self._failed(period) if counts else self._ignored(period)
            raise
        self._succeeded(period)
        return result

    def __call__(self, func: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function."""

        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            return self.call(func, *args, **kwargs)

        return update_wrapper(wrapper, func)

    def _admit(self) -> _Period:
        with self._lock:
            period = self._period
            if period.state is CircuitState.OPEN:
                left = period.until - self._clock.monotonic()
                if left > 0:
                    raise CircuitBreakerOpenError(
                        f"{self.name} is open; try again in {left:.3g} s", retry_after=left
                    )
                period = self._period = _Period(CircuitState.HALF_OPEN, failures=period.failures)
            if period.state is CircuitState.HALF_OPEN:
                if period.trials >= self.half_open_max_calls:
                    raise CircuitBreakerOpenError(f"{self.name} is being tried; try again soon")
                period.trials += 1
            return period

    def _succeeded(self, period: _Period) -> None:
        if period.state is CircuitState.CLOSED and not period.failures:
            return
        with self._lock:
            if self._period is period:
                self._period = _Period(CircuitState.CLOSED)

    def _failed(self, period: _Period) -> None:
        with self._lock:
            if self._period is not period:
                return
            period.failures += 1
            if period.state is CircuitState.HALF_OPEN or period.failures >= self.failure_threshold:
                until = self._clock.monotonic() + self.timeout
                self._period = _Period(CircuitState.OPEN, failures=period.failures, until=until)

    def _ignored(self, period: _Period) -> None:
        if period.state is CircuitState.HALF_OPEN:
            with self._lock:
                period.trials -= 1
