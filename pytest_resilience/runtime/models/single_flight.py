"""Run slow work on one background thread at a time, and let callers wait for it only as long as they can."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Lock, Thread
from typing import Generic, TypeVar

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.deadline import CURRENT, remaining_time, require_time
from pytest_resilience.runtime.forks import renew_in_child

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """One flight at a time: who comes while it is under way joins it instead of starting another.

    A thread that hangs cannot be ended from outside, so a flight that outlives its callers goes on, and no
    second one piles up beside it.

    Args:
        func: the work.
        name: how messages and the thread call it.
    """

    def __init__(self, func: Callable[[], T], *, name: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._func = func
        self._name = name
        self._clock = clock
        self._lock = Lock()
        self._flight: Future[T] | None = None
        self._started = 0.0
        # A flight of the parent's never lands in a child: its thread is not there.
        renew_in_child(self, _lock=Lock, _flight=lambda: None)

    def start(self) -> Future[T]:
        """Return the flight under way, started by this call if there was none."""
        with self._lock:
            if self._flight is not None:
                return self._flight
            flight = self._flight = Future()
            self._started = self._clock.monotonic()
        # A daemon: work that hangs must not keep the process from ending.
        thread = Thread(target=copy_context().run, args=(self._fly, flight), name=self._name, daemon=True)
        try:
            thread.start()
        except BaseException:
            self._land()
            raise
        return flight

    def join(self, timeout: float) -> T:
        """Return what the work returns, or raise what it raises.

        Args:
            timeout: seconds since the flight began, not since this call: who joins late waits less.

        Raises:
            RetryableError: it is not done by then; it goes on in the background.
            DeadlineExceededError: nor when the deadline around this call is over; it goes on as well.
        """
        flight = self.start()
        patience = max(0.0, self._started + timeout - self._clock.monotonic())
        left = remaining_time()
        try:
            return flight.result(patience if left is None else min(patience, left))
        except TimeoutError:
            if flight.done():
                return flight.result()
        require_time()
        raise RetryableError(
            f"{self._name} was not done after {timeout:g} s; it goes on in the background. Try again later."
        )

    def _fly(self, flight: Future[T]) -> None:
        CURRENT.set(None)  # it outlives its callers, so that none of their deadlines is its own
        try:
            result = self._func()
        except BaseException as error:  # noqa: BLE001 - handed to every caller that waits, none is lost
            self._land()
            flight.set_exception(error)
        else:
            self._land()
            flight.set_result(result)

    def _land(self) -> None:
        with self._lock:
            self._flight = None
