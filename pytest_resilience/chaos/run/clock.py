"""The run's clock: one zero for what the engine saw and for what the harness did."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LOOKS = 3
"""At the engine's clock, each over its socket."""


@dataclass(frozen=True, slots=True)
class RunClock:
    """Seconds since the run began.

    Args:
        began: the monotonic clock at the run's beginning.
        engine_began: the engine's clock at that moment.
        scale: how much faster the workload's time runs.
    """

    began: float
    engine_began: float
    scale: float = 1.0

    @classmethod
    def beside(cls, engine_now: Callable[[], float], *, scale: float = 1.0) -> RunClock:
        """Begin now, on the quickest of a few looks at the engine's clock: a slow one would put it behind."""
        _, ahead = min(_look(engine_now) for _ in range(LOOKS))
        began = time.monotonic()
        return cls(began, began - ahead, scale)

    def now(self) -> float:
        """Return the workload's seconds since the run began."""
        return (time.monotonic() - self.began) * self.scale

    def of_engine(self, at: float) -> float:
        """Return a time of the engine as the workload's seconds since the run began."""
        return (at - self.engine_began) * self.scale

    def of_monotonic(self, at: float) -> float:
        """Return a time of the monotonic clock as the workload's seconds since the run began."""
        return (at - self.began) * self.scale

    def real(self, seconds: float) -> float:
        """Return so many seconds of the workload in real seconds."""
        return seconds / self.scale


def _look(engine_now: Callable[[], float]) -> tuple[float, float]:
    """Return how long a look took, and how far our clock is ahead of the engine's."""
    before = time.monotonic()
    engine = engine_now()
    after = time.monotonic()
    return after - before, (before + after) / 2 - engine
