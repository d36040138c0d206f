"""The run's clock: one zero for what the engine saw and for what the harness did."""

from __future__ import annotations

import time
from dataclasses import dataclass


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
    def beside(cls, engine_started: float, *, scale: float = 1.0) -> RunClock:
        """Begin now, beside an engine that started when the monotonic clock, one for all processes, showed this."""
        began = time.monotonic()
        return cls(began, began - engine_started, scale)

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
