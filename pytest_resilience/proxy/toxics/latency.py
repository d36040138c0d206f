"""Latency: hold each chunk until its age is the latency, give or take the jitter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.proxy.toxics.attributes import Attributes, refuse_above
from pytest_resilience.proxy.toxics.stage import MS, Stage
from pytest_resilience.proxy.toxics.timed_stage import TimedStage

MAX_JITTER_MS = 2**62 - 1
"""Toxiproxy doubles the jitter in 64 bits, and dies above this."""


class LatencyStage(TimedStage):
    """Delay chunks independently of each other, keeping their order: a stream is late, not slow."""

    toxic: Latency
    capacity = 8 * 1024 * 1024
    ages = True

    def due(self, piece: bytes, at: float, came: float) -> float:  # noqa: ARG002 - the age counts
        """Release a chunk when its age, counted from its receipt, is what is drawn for it."""
        delay: float = self.toxic.latency
        if self.toxic.jitter > 0:
            delay += self.random.uniform(-self.toxic.jitter, self.toxic.jitter)
        return at + max(0.0, delay * MS)


@dataclass(frozen=True, slots=True)
class Latency(Attributes):
    """Add a delay to everything that passes.

    Args:
        latency: milliseconds.
        jitter: milliseconds; each chunk's delay is drawn from latency ± jitter.
    """

    kind: ClassVar[str] = "latency"
    go_name: ClassVar[str] = "LatencyToxic"
    stage: ClassVar[type[Stage]] = LatencyStage
    latency: int = 0
    jitter: int = 0

    def check(self) -> None:
        """Refuse a jitter that would crash Toxiproxy."""
        refuse_above("jitter", self.jitter, MAX_JITTER_MS)
