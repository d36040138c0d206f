"""Latency: hold each chunk until its age is the latency, give or take the jitter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.proxy.toxics.attributes import refuse_above
from pytest_resilience.proxy.toxics.stage import MS, Stage, TimedStage

MAX_JITTER_MS = 2**62
"""Toxiproxy doubles the jitter in 64 bits, and dies above this."""


class LatencyStage(TimedStage):
    """Delay chunks independently of each other, keeping their order: a stream is late, not slow."""

    toxic: Latency
    capacity = 16 * 1024 * 1024

    def feed(self, data: bytes, at: float) -> None:
        """Hold the chunk until its age, counted from its receipt, is what was drawn for it."""
        delay = self.toxic.latency
        if self.toxic.jitter > 0:
            delay += self.random.uniform(-self.toxic.jitter, self.toxic.jitter)
        released = at + max(0.0, delay * MS)
        self.hold(data, released, released)


@dataclass(frozen=True, slots=True)
class Latency:
    """Add a delay to everything that passes.

    Args:
        latency: milliseconds.
        jitter: milliseconds; each chunk's delay is drawn from latency ± jitter.
    """

    type: ClassVar[str] = "latency"
    stage: ClassVar[type[Stage]] = LatencyStage
    latency: int = 0
    jitter: int = 0

    def check(self) -> None:
        """Refuse a jitter that would crash Toxiproxy."""
        refuse_above("jitter", self.jitter, MAX_JITTER_MS)
