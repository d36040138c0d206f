"""Bandwidth: let so many kilobytes through in a second."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from pytest_resilience.proxy.toxics.attributes import Attributes, refuse_above, refuse_below
from pytest_resilience.proxy.toxics.stage import Stage, now
from pytest_resilience.proxy.toxics.timed_stage import TimedStage

MAX_RATE = (2**63 - 1) // 100
"""Toxiproxy multiplies the rate by 100 in 64 bits, and dies above this."""
SLICES_PER_SECOND = 10


class BandwidthStage(TimedStage):
    """Release bytes when a line of that rate would have carried them, a tenth of a second at most at once."""

    toxic: Bandwidth
    _free_at = 0.0

    def feed(self, data: bytes, at: float) -> None:
        """Cut the data into slices, and give each its time on the line; without a rate hold it."""
        rate = self.toxic.bytes_per_second or self.toxic.rate * 1000
        if rate <= 0:
            self.hold(data, at, inf)
            return
        self.capacity = max(Stage.capacity, rate // SLICES_PER_SECOND)
        size = max(1, rate // SLICES_PER_SECOND)
        due = max(self._free_at, now())
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            due += len(piece) / rate
            self.hold(piece, at, due)
        self._free_at = due

    def restart(self) -> None:
        """Consider the line free."""
        self._free_at = 0.0


@dataclass(frozen=True, slots=True)
class Bandwidth(Attributes):
    """Limit the rate of each connection and direction.

    Args:
        rate: kilobytes (1,000 bytes) a second; 0 holds everything until the toxic is removed.
        bytes_per_second: the exact rate where it is no whole number of kilobytes, if not 0. Toxiproxy has no
            such attribute, so a client that did not send it is never shown it.
    """

    kind: ClassVar[str] = "bandwidth"
    go_name: ClassVar[str] = "BandwidthToxic"
    stage: ClassVar[type[Stage]] = BandwidthStage
    rate: int = 0
    bytes_per_second: int = 0

    def shown(self) -> dict[str, int]:
        """Return the attributes that the API shows."""
        if self.bytes_per_second:
            return {"rate": self.rate, "bytes_per_second": self.bytes_per_second}
        return {"rate": self.rate}

    def check(self) -> None:
        """Refuse rates that would crash Toxiproxy."""
        refuse_below("rate", self.rate, 0)
        refuse_above("rate", self.rate, MAX_RATE)
        refuse_below("bytes_per_second", self.bytes_per_second, 0)
        refuse_above("bytes_per_second", self.bytes_per_second, MAX_RATE)
