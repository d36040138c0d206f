"""For your own tests, with or without pytest: time that takes no time, a log of events, calls that fail on cue.

with virtual_time() as clock:           every delay, deadline and reset period of this process is virtual
clock.advance(60)
assert clock.sleeps == [2.0, 4.0]

with event_log() as log:                what the runtime told its listeners
...
assert log.of(GaveUp)

call = FlakyCall(ConnectionError(), ConnectionError(), "rows")      fails twice, then returns
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.events import subscribe

E = TypeVar("E")

_EPOCH = 1_700_000_000.0
_installing = Lock()


class FakeClock:
    """A clock whose time passes only when somebody sleeps on it, or when it is told to. Safe for threads.

    Sleepers do not wait for one another: each adds its own delay to the time.

    Args:
        monotonic: where the monotonic clock begins, in seconds.
        time: where the wall clock begins, in seconds since the epoch.
    """

    passes = False
    """This time does not go on by itself: lateness is found out when the code ends."""

    def __init__(self, *, monotonic: float = 1000.0, time: float = _EPOCH) -> None:
        self.sleeps: list[float] = []
        """The seconds of each sleep, in order."""
        self._lock = Lock()
        self._monotonic = monotonic
        self._time = time

    def time(self) -> float:
        """Return the wall clock, seconds since the epoch."""
        return self._time

    def monotonic(self) -> float:
        """Return the monotonic clock, seconds."""
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Note a sleep, and let its time pass at once."""
        with self._lock:
            self.sleeps.append(seconds)
        self.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Note a sleep, let its time pass at once, and give the other tasks a turn."""
        import asyncio

        self.sleep(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if not seconds >= 0:
            raise ValueError(
                f"time does not go back, got {seconds!r}; to step the wall clock use step_time()"
            )
        with self._lock:
            self._monotonic += seconds
            self._time += seconds

    def step_time(self, seconds: float) -> None:
        """Step the wall clock alone, back (negative) or forth, as a correction of the system's time does."""
        with self._lock:
            self._time += seconds


@contextmanager
def virtual_time(clock: FakeClock | None = None) -> Iterator[FakeClock]:
    """Make the time of everything that was not given a clock of its own virtual, in the whole process.

    Args:
        clock: the time to use; default: a new one.

    Raises:
        RuntimeError: it is virtual already.
    """
    clock = clock or FakeClock()
    names = ("time", "monotonic", "sleep", "sleep_async", "passes")
    with _installing:
        if vars(SYSTEM_CLOCK):
            raise RuntimeError("time is virtual already: leave the other virtual_time() first")
        vars(SYSTEM_CLOCK).update({name: getattr(clock, name) for name in names})
    try:
        yield clock
    finally:
        vars(SYSTEM_CLOCK).clear()


class EventLog:
    """A listener that keeps every event."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, event: Any) -> None:
        """Keep an event."""
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def event_log() -> Iterator[EventLog]:
    """Keep every event of this process while the block runs."""
    log = EventLog()
    unsubscribe = subscribe(log)
    try:
        yield log
    finally:
        unsubscribe()


class FlakyCall:
    """A function that plays outcomes in order: an exception is raised, anything else returned; the last one stays.

    Args:
        outcomes: exceptions, exception classes, or values.
    """

    def __init__(self, *outcomes: Any) -> None:
        if not outcomes:
            raise ValueError("FlakyCall needs at least one outcome, got none")
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        """The arguments of each call, in order."""
        self._outcomes = outcomes
        self._lock = Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Play the next outcome."""
        with self._lock:
            outcome = self._outcomes[min(len(self.calls), len(self._outcomes) - 1)]
            self.calls.append((args, kwargs))
        if isinstance(outcome, BaseException) or (
            isinstance(outcome, type) and issubclass(outcome, BaseException)
        ):
            raise outcome
        return outcome

    async def call_async(self, *args: Any, **kwargs: Any) -> Any:
        """Do the same as an async function."""
        import asyncio

        await asyncio.sleep(0)
        return self(*args, **kwargs)
