"""Count what happened lately: sums over a sliding window of time, in constant memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_SLICES = 100


@dataclass(slots=True)
class _Slice:
    """What happened in one slice, from its first thing to its last."""

    index: int
    first: float
    last: float
    counts: list[int]


class SlidingWindow:
    """Sums of several kinds of things over the last so many seconds, kept in slices of a hundredth of that.

    Not safe for threads by itself: whoever owns it holds a lock.

    Args:
        length: seconds.
        kinds: how many kinds of things are counted.
        generous: count the oldest slice too while anything of it is inside the window; else only while all is.
    """

    __slots__ = ("_generous", "_kinds", "_slice", "_slices", "length", "sums")

    def __init__(self, length: float, kinds: int = 1, *, generous: bool = False) -> None:
        self.length = length
        self.sums = [0] * kinds
        self._kinds = kinds
        self._slice = length / _SLICES
        self._generous = generous
        self._slices: deque[_Slice] = deque()

    def add(self, now: float, kind: int = 0) -> None:
        """Count one thing of a kind that happens now."""
        self.forget(now)
        index = int(now // self._slice)
        if not self._slices or self._slices[-1].index < index:
            self._slices.append(_Slice(index, now, now, [0] * self._kinds))
        newest = self._slices[-1]
        newest.last = now
        newest.counts[kind] += 1
        self.sums[kind] += 1

    def forget(self, now: float) -> None:
        """Drop what is no longer inside the window."""
        begins = now - self.length
        while self._slices and (self._slices[0].last if self._generous else self._slices[0].first) <= begins:
            counts = self._slices.popleft().counts
            self.sums = [total - count for total, count in zip(self.sums, counts, strict=True)]
