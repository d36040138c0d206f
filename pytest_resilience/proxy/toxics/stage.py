"""What one toxic does to one direction of one connection, and the pieces that all toxics share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from math import inf
from random import Random
from typing import Any, Protocol

from pytest_resilience.clock import SYSTEM_CLOCK

MS = 0.001
"""One millisecond in seconds: Toxiproxy's attributes are milliseconds."""

now = SYSTEM_CLOCK.monotonic
"""Seconds. Not the event loop's clock: uvloop's has whole, cached milliseconds, and would release data early."""


class Ending(Enum):
    """How a direction ends. It travels behind the data, through the toxics, to the socket."""

    FIN = auto()
    """The sender has no more; the other direction goes on."""
    RESET = auto()
    """The sender aborted: the receiver gets RST."""
    CLOSE = auto()
    """A toxic ends the connection: both sides get FIN."""


class Draw:
    """One connection's draws for one toxic: whether it acts, and what it does.

    Args:
        seed: everything that the draws follow from.
    """

    __slots__ = ("random", "value")

    def __init__(self, *seed: object) -> None:
        self.random = Random("\0".join(map(str, seed)))
        self.value = self.random.random()

    def again(self) -> None:
        """Draw anew, as Toxiproxy does when a toxic changes."""
        self.value = self.random.random()


class Receiver(Protocol):
    """Takes data and the end of it: a toxic's stage, or the socket behind the last one."""

    def feed(self, data: bytes, at: float) -> None:
        """Take data that the proxy received at that time."""

    def finish(self, ending: Ending) -> None:
        """Take the end; nothing is fed after it."""


class Lane(Protocol):
    """What a stage may ask of the direction that it belongs to."""

    @property
    def compat(self) -> bool:
        """Whether to imitate Toxiproxy."""

    @property
    def opened(self) -> bool:
        """Whether data passes already."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back after so many seconds."""

    def balance(self) -> None:
        """Look again whether the stages hold too much to read on."""

    def reset(self) -> None:
        """Send RST to both sides at once."""

    def touched(self, stage: Stage) -> None:
        """Note that the toxic has had its effect on this connection."""


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Call it off."""


class Stage:
    """Pass everything on; a toxic's stage overrides what it does differently.

    Args:
        toxic: the toxic's attributes.
        lane: the direction that the stage belongs to.
        random: this connection's own draws for this toxic.
    """

    capacity = 256 * 1024
    """Bytes that a stage may hold before reading stops."""

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        self.toxic = toxic
        self.lane = lane
        self.random = random
        self.name = ""
        self.next: Receiver
        self.held = 0
        self._touched = False

    def touch(self) -> None:
        """Note the first time that the toxic changes anything on this connection."""
        if not self._touched:
            self._touched = True
            self.lane.touched(self)

    def start(self) -> None:
        """Begin; the stage is in its place."""

    def feed(self, data: bytes, at: float) -> None:
        """Take data that the proxy received at that time."""
        self.next.feed(data, at)

    def finish(self, ending: Ending) -> None:
        """Take the end of the direction."""
        self.next.finish(ending)

    def update(self, toxic: Any) -> None:
        """Go on with other attributes."""
        self.toxic = toxic

    def remove(self) -> None:
        """Let go of everything that is held: the toxic has been removed."""

    def stop(self) -> None:
        """Drop everything: the connection is over."""


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
