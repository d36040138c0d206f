"""Slicer: cut data into small pieces, with a pause between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.proxy.toxics.attributes import AttributeRefusedError, Attributes, refuse_below
from pytest_resilience.proxy.toxics.stage import Stage, now
from pytest_resilience.proxy.toxics.timed_stage import TimedStage

US = 0.000001
"""One microsecond in seconds."""


class SlicerStage(TimedStage):
    """Halve data until the pieces are small enough, each cut a little beside the middle."""

    toxic: Slicer
    capacity = 64 * 1024
    passes_at_once = False
    _free_at = 0.0

    def feed(self, data: bytes, at: float) -> None:
        """Cut the data, and release the pieces one after the other."""
        pause = max(0, self.toxic.delay) * US
        due = max(self._free_at, now())
        for piece in self._pieces(data):
            self.hold(piece, at, due)
            due += pause
        self._free_at = due

    def restart(self) -> None:
        """Pause no longer for what went before."""
        self._free_at = 0.0

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        average, variation = self.toxic.average_size, self.toxic.size_variation
        if average <= 0:
            yield data
            return
        rest = [data]
        while rest:
            piece = rest.pop()
            if len(piece) - average <= variation:
                if piece:
                    yield piece
                continue
            middle = len(piece) // 2
            if variation > 0:
                middle += self.random.randrange(2 * variation) - variation
            rest += piece[middle:], piece[:middle]


@dataclass(frozen=True, slots=True)
class Slicer(Attributes):
    """Send data as many small packets.

    Args:
        average_size: bytes of a piece.
        size_variation: bytes that pieces may be larger or smaller; at most the average size.
        delay: microseconds between two pieces.
    """

    kind: ClassVar[str] = "slicer"
    go_name: ClassVar[str] = "SlicerToxic"
    go_int: ClassVar[str] = "int"
    stage: ClassVar[type[Stage]] = SlicerStage
    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def check(self) -> None:
        """Refuse sizes with which cutting would never end."""
        refuse_below("average_size", self.average_size, 1)
        if self.size_variation > self.average_size:
            raise AttributeRefusedError(
                f"size_variation must be at most average_size, got {self.size_variation} > {self.average_size}"
            )
