"""When a fault begins, how long it lasts, and what is known of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.errors import HarnessError

POLL_SECONDS = 0.01
"""How often is asked whether the workload has connected."""


@dataclass(slots=True)
class Span:
    """The time in which one fault is injected: begun once, ended once, from whichever thread.

    Args:
        clock: the run's.
        end: heals it.
        seconds: the workload's seconds after which it ends by itself; none is with the run.
    """

    clock: RunClock
    end: Callable[[], None]
    seconds: float | None = None
    began_at: float | None = None
    ended_at: float | None = None
    error: HarnessError | None = None
    over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None

    def begin(self) -> None:
        """Note that it is injected now, and let it end in time; only the first call counts."""
        with self._lock:
            if self.began_at is not None:
                return
            self.began_at = self.clock.now()
            if self.over.is_set():
                self._end()
                return
        if self.seconds is not None:
            self._timer = threading.Timer(self.clock.real(self.seconds), self.finish)
            self._timer.daemon = True
            self._timer.start()

    def finish(self) -> None:
        """Heal it; safe to call twice. What has not begun is over too, and ended at once should it begin yet."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            if self.over.is_set():
                return
            if self.began_at is not None:
                self._end()
            self.over.set()

    def _end(self) -> None:
        try:
            self.end()
        except HarnessError as error:
            self.error = error
        self.ended_at = self.clock.now()


@dataclass(slots=True)
class Later:
    """Wait for the workload's first connection and so many seconds more, then call.

    Args:
        clock: the run's.
        connections: how many connections there were.
        seconds: the workload's seconds to wait from the first one.
        call: what happens then.
    """

    clock: RunClock
    connections: Callable[[], int]
    seconds: float
    call: Callable[[], None]
    error: HarnessError | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin to wait."""
        self._thread = threading.Thread(target=self._wait, name="resilience-later", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait no longer."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _wait(self) -> None:
        try:
            while self.connections() == 0:
                if self._stopped.wait(POLL_SECONDS):
                    return
            if not self._stopped.wait(self.clock.real(self.seconds)):
                self.call()
        except HarnessError as error:
            self.error = error
