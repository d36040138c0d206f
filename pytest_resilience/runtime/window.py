"""Count what happened lately: sums over a sliding window of time, in constant memory."""

from __future__ import annotations

from collections import deque

_SLICES = 100


class SlidingWindow:
    """Sums of several kinds of things over the last so many seconds, kept in slices of a hundredth of that.

    Not safe for threads by itself: whoever owns it holds a lock.

    Args:
        length: seconds.
        kinds: how many kinds of things are counted.
        generous: count the oldest slice too while any part of it is inside the window; else only while all is.
    """

    __slots__ = ("_generous", "_kinds", "_slice", "_slices", "length", "sums")

    def __init__(self, length: float, kinds: int = 1, *, generous: bool = False) -> None:
        self.length = length
        self.sums = [0] * kinds
        self._kinds = kinds
        self._slice = length / _SLICES
        self._generous = generous
        self._slices: deque[tuple[int, list[int]]] = deque()

    def add(self, now: float, kind: int = 0) -> None:
        """Count one thing of a kind that happens now."""
        self.forget(now)
        index = int(now // self._slice)
        if not self._slices or self._slices[-1][0] < index:
            self._slices.append((index, [0] * self._kinds))
        self._slices[-1][1][kind] += 1
        self.sums[kind] += 1

    def forget(self, now: float) -> None:
        """Drop what is no longer inside the window."""
        oldest = int(now // self._slice) - _SLICES - self._generous
        while self._slices and self._slices[0][0] <= oldest:
            _, counts = self._slices.popleft()
            self.sums = [total - count for total, count in zip(self.sums, counts, strict=True)]
