"""A stage that holds data until it is due: what latency, bandwidth and slicer have in common."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Any

from pytest_resilience.proxy.toxics.stage import Ending, Lane, Stage, Timer, now

PIECES_AT_ONCE = 64
BYTES_AT_ONCE = 256 * 1024
"""What is released before other connections, and control calls, get their turn."""


class TimedStage(Stage):
    """Hold chunks in their order; cut the first of them into pieces, and release each piece when it is due.

    Only the first piece has a time, so that a change of the toxic costs the same however much is held.
    """

    ages = False
    """Whether later toxics see the time that data was due as the time of its receipt, so that delays add up."""

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        super().__init__(toxic, lane, random)
        self._waiting: deque[tuple[bytes, float, float]] = deque()
        self._rest: Iterator[bytes] = iter(())
        self._first: tuple[float, bytes] | None = None
        self._at = self._came = 0.0
        self._ending: Ending | None = None
        self._timer: Timer | None = None
        self._leaving = False

    def cut(self, data: bytes) -> Iterator[bytes]:
        """Cut a chunk into pieces; by default it stays whole."""
        yield data

    def changes(self, data: bytes) -> bool:  # noqa: ARG002 - of the chunk others depend
        """Tell whether the toxic does anything to a chunk: by default it holds whatever comes."""
        return True

    def due(self, piece: bytes, at: float, came: float) -> float:
        """Tell when the next piece is to be released.

        Args:
            piece: the piece, which is now the first.
            at: when the proxy received it.
            came: when it came to this stage.
        """
        raise NotImplementedError

    def restart(self) -> None:
        """Forget the schedule of what went before: the toxic has changed."""

    def feed(self, data: bytes, at: float) -> None:
        """Hold a chunk."""
        if self.changes(data):
            self.touch()
        self._waiting.append((data, at, now()))
        self.held += len(data)
        if self._timer is None:
            self._release()
        if self.held >= self.capacity:
            self.lane.balance()

    def finish(self, ending: Ending) -> None:
        """Keep the end behind what is held."""
        self._ending = ending
        self._pass_on_end()

    def update(self, toxic: Any) -> None:
        """Go on with other attributes, which hold for what is held too."""
        self.toxic = toxic
        self.restart()
        self._begin_anew()

    def remove(self) -> None:
        """Release everything, as fast as others get their turn; the lane is told when it is done."""
        self._leaving = True
        self._begin_anew()

    def stop(self) -> None:
        """Drop what is held."""
        self._waiting.clear()
        self._rest, self._first, self._ending = iter(()), None, None
        self.held = 0
        self._disarm()

    def _begin_anew(self) -> None:
        """Cut and time anew what has been cut already."""
        begun = (self._first[1] if self._first is not None else b"") + b"".join(self._rest)
        self._first = None
        self._rest = self._pieces(begun)
        self._disarm()
        self._release()
        self.lane.balance()

    def _release(self) -> None:
        self._timer = None
        full = self.held >= self.capacity
        pieces, size = PIECES_AT_ONCE, BYTES_AT_ONCE
        while pieces > 0 and size > 0 and (ready := self._take_ready()) is not None:
            due, piece = ready
            self.held -= len(piece)
            pieces -= 1
            size -= len(piece)
            self.next.feed(piece, due if self.ages and not self._leaving else self._at)
        self._arm()
        self._pass_on_end()
        if full and self.held < self.capacity:
            self.lane.balance()
        if self._leaving and not self.held:
            self.lane.emptied(self)

    def _take_ready(self) -> tuple[float, bytes] | None:
        self._prepare()
        if self._first is None or self._first[0] > now():
            return None
        ready, self._first = self._first, None
        return ready

    def _prepare(self) -> None:
        """Let the first piece have its time."""
        while self._first is None:
            piece = next(self._rest, None)
            if piece is not None:
                self._first = (0.0 if self._leaving else self.due(piece, self._at, self._came), piece)
            elif self._waiting:
                data, self._at, self._came = self._waiting.popleft()
                self._rest = self._pieces(data)
            else:
                return

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        return iter((data,) if data else ()) if self._leaving else self.cut(data)

    def _arm(self) -> None:
        self._prepare()
        if self._first is not None and self._first[0] < float("inf"):
            self._timer = self.lane.call_later(max(0.0, self._first[0] - now()), self._release)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass_on_end(self) -> None:
        if self._ending is not None and not self.held:
            ending, self._ending = self._ending, None
            self.next.finish(ending)
