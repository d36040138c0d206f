"""A stage that holds data until it is due: what latency, bandwidth and slicer have in common."""

from __future__ import annotations

from collections import deque
from math import inf
from random import Random
from typing import Any

from pytest_resilience.proxy.toxics.stage import Ending, Lane, Stage, Timer, now


class TimedStage(Stage):
    """Hold data until it is due, in order; the end follows the last of it."""

    BATCH = 64
    """Pieces released before other connections get their turn."""
    passes_at_once = True
    """Whether data that is due when it comes is passed on there and then."""
    ages = False
    """Whether later toxics see the time that data was due as the time of its receipt, so that delays add up."""

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        super().__init__(toxic, lane, random)
        self._queue: deque[tuple[float, bytes, float]] = deque()
        self._ending: Ending | None = None
        self._timer: Timer | None = None

    def hold(self, data: bytes, at: float, due: float) -> None:
        """Pass the data on when it is due, and not before what is held already."""
        self.touch()
        if self.passes_at_once and not self._queue and due <= now():
            self.next.feed(data, due if self.ages else at)
            return
        self._queue.append((due, data, at))
        self.held += len(data)
        self._arm()
        if self.held >= self.capacity:
            self.lane.balance()

    def finish(self, ending: Ending) -> None:
        """Keep the end behind what is held."""
        self._ending = ending
        self._pass_on_end()

    def update(self, toxic: Any) -> None:
        """Time everything that is held anew, as if it had come just now with the age it has."""
        self.toxic = toxic
        waiting, self._queue, self.held = self._queue, deque(), 0
        self._disarm()
        self.restart()
        for _, data, at in waiting:
            self.feed(data, at)
        self._pass_on_end()
        self.lane.balance()

    def restart(self) -> None:
        """Forget the schedule of what was held."""

    def remove(self) -> None:
        """Pass on everything at once."""
        waiting, self._queue, self.held = self._queue, deque(), 0
        for _, data, at in waiting:
            self.next.feed(data, at)
        self._pass_on_end()
        self.stop()

    def stop(self) -> None:
        """Drop what is held."""
        self._queue.clear()
        self.held = 0
        self._ending = None
        self._disarm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None and self._queue and self._queue[0][0] < inf:
            self._timer = self.lane.call_later(max(0.0, self._queue[0][0] - now()), self._release)

    def _release(self) -> None:
        self._timer = None
        full = self.held >= self.capacity
        for _ in range(self.BATCH):
            if not self._queue or self._queue[0][0] > now():
                break
            due, data, at = self._queue.popleft()
            self.held -= len(data)
            self.next.feed(data, due if self.ages else at)
        self._arm()
        self._pass_on_end()
        if full and self.held < self.capacity:
            self.lane.balance()

    def _pass_on_end(self) -> None:
        if self._ending is not None and not self._queue:
            ending, self._ending = self._ending, None
            self.next.finish(ending)
