"""What one toxic does to one direction of one connection, and the pieces that all toxics share."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
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

    def emptied(self, stage: Stage) -> None:
        """Do without a stage that has been removed and holds nothing any more."""

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
        """Let go of everything that is held: the toxic has been removed. What is left after it follows soon."""

    def stop(self) -> None:
        """Drop everything: the connection is over."""
