"""Bandwidth: let so many kilobytes through in a second."""

from __future__ import annotations

from collections.abc import Iterator
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

    def start(self) -> None:
        """Hold up to a tenth of a second."""
        self.capacity = max(Stage.capacity, self._rate // SLICES_PER_SECOND)

    def cut(self, data: bytes) -> Iterator[bytes]:
        """Cut into slices of a tenth of a second."""
        size = max(1, self._rate // SLICES_PER_SECOND) if self._rate else max(1, len(data))
        for start in range(0, len(data), size):
            yield data[start : start + size]

    def due(self, piece: bytes, at: float, came: float) -> float:  # noqa: ARG002 - the line counts, not the age
        """Release a slice when the line has carried it; without a rate never."""
        if not self._rate:
            return inf
        self._free_at = max(self._free_at, came) + len(piece) / self._rate
        return self._free_at

    def restart(self) -> None:
        """Consider the line free from now on."""
        self.start()
        self._free_at = now()

    @property
    def _rate(self) -> int:
        """Bytes a second."""
        return self.toxic.bytes_per_second or max(0, self.toxic.rate) * 1000


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
