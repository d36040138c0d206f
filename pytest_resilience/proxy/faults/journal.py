"""A bounded log whose entries are numbered, read from any number on, and followed as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

SIGN_OF_LIFE = 1.0
"""Seconds after which a follower of a silent log is given nothing, to see that it is still there."""


class Journal(Generic[T]):
    """Keep the last entries; the first that is ever written has the number 1.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._entries: deque[T] = deque(maxlen=most)
        self._followers: set[asyncio.Event] = set()
        self.written = 0

    def write(self, entry: T) -> int:
        """Add an entry and return its number."""
        self._entries.append(entry)
        self.written += 1
        if self._followers:
            for follower in self._followers:
                follower.set()
        return self.written

    def extend(self, entries: Sequence[T]) -> None:
        """Add entries."""
        self._entries.extend(entries)
        self.written += len(entries)
        for follower in self._followers:
            follower.set()

    def since(self, number: int) -> Iterator[tuple[int, T]]:
        """Return what is kept with greater numbers, each with its own."""
        first = self.written - len(self._entries) + 1
        start = max(first, number + 1)
        return zip(range(start, self.written + 1), islice(self._entries, start - first, None), strict=True)

    def lost(self, number: int) -> int:
        """Return how many entries with greater numbers are not kept any more."""
        return max(0, self.written - len(self._entries) - max(0, number))

    async def follow(self, number: int, encode: Callable[[int, T], bytes]) -> AsyncIterator[bytes]:
        """Yield what is kept with greater numbers, then each new entry; an empty line when nothing happens."""
        news = asyncio.Event()
        self._followers.add(news)
        try:
            while True:
                news.clear()
                lines = [encode(found, entry) for found, entry in self.since(number)]
                number = max(number, self.written)
                yield b"".join(lines) or b"\n"
                try:
                    await asyncio.wait_for(news.wait(), SIGN_OF_LIFE)
                except TimeoutError:
                    continue
        finally:
            self._followers.discard(news)
