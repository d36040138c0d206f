"""How segments are laid out, so that one like an earlier one is known without going through its messages.

A program says and is told much the same again and again: what differs is in the messages, seldom how long they are. All
their heads are compared at once.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeVar

from pytest_resilience.proxy.wire.postgres.frames import HEADER

T = TypeVar("T")

LONGEST = 2_048
"""Bytes of a segment whose layout is kept, of which there is one for each length."""
MOST_TRIES = 8
"""How often another layout is taken for one length; after that segments of it are too different."""


class Layout(Generic[T]):
    """The messages of a segment: nothing but whole ones.

    Args:
        sizes: each message's kind and length, all of it.
        frames: what is known of them.
    """

    __slots__ = ("_heads", "_unpack", "frames")

    def __init__(self, sizes: Sequence[tuple[int, int]], frames: Sequence[T]) -> None:
        self._heads = tuple(number for kind, size in sizes for number in (kind, size - 1))
        self._unpack = struct.Struct("!" + "".join(f"BI{size - HEADER}x" for _, size in sizes)).unpack
        self.frames = frames

    def fits(self, data: bytes) -> bool:
        """Tell whether a segment of the same length is made of the same messages."""
        return self._unpack(data) == self._heads


class Layouts(Generic[T]):
    """The layouts of one direction, by the length of the segment."""

    def __init__(self) -> None:
        self._of_length: dict[int, Layout[T]] = {}
        self._tries: Counter[int] = Counter()

    def of(self, data: bytes) -> Layout[T] | None:
        """Return how a segment is laid out, if an earlier one was laid out alike."""
        layout = self._of_length.get(len(data))
        return layout if layout is not None and layout.fits(data) else None

    def learn(self, length: int, sizes: Sequence[tuple[int, int]], frames: Sequence[T]) -> None:
        """Keep how a segment of this length was laid out."""
        if length <= LONGEST and self._tries[length] < MOST_TRIES:
            self._tries[length] += 1
            self._of_length[length] = Layout(sizes, frames)
