"""Tell a storm from a few alerts: so many go out one by one in a while, the rest together when it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

BURST = 10
"""Alerts that are not CRITICAL and go out one by one in a window, per channel."""

WINDOW = 10.0
"""Seconds of a window."""


class Pace(Enum):
    """What to do with the next alert that is not urgent."""

    SINGLE = "send it by itself"
    DIGEST = "send all that wait as one"
    WAIT = "send none before the window is over"


@dataclass(slots=True)
class Storm:
    """Decide by counting; it reads no clock and sends nothing.

    Args:
        burst: alerts that go out one by one in a window.
        window: seconds.
    """

    burst: int = BURST
    window: float = WINDOW
    _until: float = field(default=float("-inf"), init=False)
    _used: int = field(default=0, init=False)
    _raging: bool = field(default=False, init=False)

    def pace(self, now: float, *, crowded: bool) -> Pace:
        """Decide for this moment.

        Args:
            now: seconds on a monotonic clock.
            crowded: whether more wait than a burst.
        """
        if now >= self._until:
            self._until, self._used = now + self.window, 0
            if self._raging and crowded:
                self._used = self.burst
                return Pace.DIGEST
            self._raging = False
        if self._used < self.burst:
            return Pace.SINGLE
        self._raging = True
        return Pace.WAIT

    def spend(self) -> None:
        """Count one that went out by itself."""
        self._used += 1

    def remaining(self, now: float) -> float:
        """Return the seconds until the window is over."""
        return max(0.0, self._until - now)
