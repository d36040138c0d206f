"""Let a few records of one kind through in a while, and count what is held back."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.runtime.forks import renew_in_child


@dataclass(slots=True)
class _Window:
    until: float
    admitted: int = 0
    held: int = 0


class RepeatLimit:
    """Admit at most `burst` records of one fingerprint in `window` seconds.

    Args:
        burst: how many; 0 or more.
        window: seconds.
        max_kinds: fingerprints that are remembered; beyond that the oldest are forgotten.
        clock: measures the window.
    """

    def __init__(
        self, burst: int = 100, window: float = 60.0, *, max_kinds: int = 1_024, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        if burst < 1 or window <= 0:
            raise ValueError(
                f"RepeatLimit wants burst >= 1 and window > 0 seconds, got {burst!r} and {window!r}"
            )
        self._burst = burst
        self._window = window
        self._max_kinds = max_kinds
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._next_sweep = clock.monotonic() + window
        self._lock = threading.RLock()
        renew_in_child(self, _lock=threading.RLock)

    def admit(self, fingerprint: str) -> int | None:
        """Return how many like it were held back before this one, or None if this one is held back too."""
        now = self._clock.monotonic()
        with self._lock:
            window = self._windows.get(fingerprint)
            if window is None or now >= window.until:
                held = window.held if window else 0
                self._windows[fingerprint] = _Window(now + self._window, admitted=1)
                self._windows.move_to_end(fingerprint)
                return held
            if window.admitted >= self._burst:
                window.held += 1
                return None
            window.admitted += 1
            return 0

    def take_held(self, *, everything: bool = False) -> dict[str, int]:
        """Return, and forget, what was held back in windows that are over: counts by fingerprint.

        Args:
            everything: the windows that are still open too, at the end of a process.
        """
        now = self._clock.monotonic()
        if now < self._next_sweep and not everything:
            return {}
        self._next_sweep = now + self._window
        with self._lock:
            over = [kind for kind, window in self._windows.items() if everything or now >= window.until]
            crowd = list(self._windows)[: max(0, len(self._windows) - self._max_kinds)]
            gone = {kind: self._windows.pop(kind) for kind in dict.fromkeys((*over, *crowd))}
        return {kind: window.held for kind, window in gone.items() if window.held}
