"""Slicer: cut data into small pieces, with a pause between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.proxy.toxics.attributes import AttributeRefusedError, Attributes, refuse_below
from pytest_resilience.proxy.toxics.stage import Stage
from pytest_resilience.proxy.toxics.timed_stage import TimedStage

US = 0.000001
"""One microsecond in seconds."""


class SlicerStage(TimedStage):
    """Halve data until the pieces are small enough, each cut a little beside the middle."""

    toxic: Slicer
    capacity = 64 * 1024
    _free_at = 0.0

    def changes(self, data: bytes) -> bool:
        """Cut what is larger than a piece; what follows another piece waits, too."""
        return self._is_large(data) or self.toxic.delay > 0

    def due(self, piece: bytes, at: float, came: float) -> float:  # noqa: ARG002 - only the pause counts
        """Release a piece when the pause after the one before is over."""
        due = max(self._free_at, came)
        self._free_at = due + max(0, self.toxic.delay) * US
        return due

    def restart(self) -> None:
        """Pause no longer for what went before."""
        self._free_at = 0.0

    def cut(self, data: bytes) -> Iterator[bytes]:
        """Cut into pieces of the average size, give or take the variation."""
        average, variation = self.toxic.average_size, self.toxic.size_variation
        if average <= 0:
            yield data
            return
        rest = [data]
        while rest:
            piece = rest.pop()
            if not self._is_large(piece):
                if piece:
                    yield piece
                continue
            middle = len(piece) // 2
            if variation > 0:
                middle += self.random.randrange(2 * variation) - variation
            rest += piece[middle:], piece[:middle]

    def _is_large(self, data: bytes) -> bool:
        return len(data) - self.toxic.average_size > self.toxic.size_variation


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
