"""Timeout: discard all data, and close the connection after a silence."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pytest_resilience.proxy.toxics.attributes import Attributes
from pytest_resilience.proxy.toxics.stage import MS, Ending, Lane, Stage, Timer


class TimeoutStage(Stage):
    """Discard; close when nothing has come for the time-out, or when the toxic is removed."""

    toxic: Timeout

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        super().__init__(toxic, lane, random)
        self._timer: Timer | None = None
        self._over = False

    def start(self) -> None:
        """Begin to wait for the silence."""
        self._wait_anew()

    def feed(self, data: bytes, at: float) -> None:  # noqa: ARG002 - discarding is the point
        """Discard, and wait anew."""
        self.touch()
        self._wait_anew()

    def finish(self, ending: Ending) -> None:
        """Pass the end on at once."""
        self.stop()
        if not self._over:
            self._over = True
            self.next.finish(ending)

    def update(self, toxic: Any) -> None:
        """Wait anew, with the new time-out."""
        self.toxic = toxic
        self._wait_anew()

    def remove(self) -> None:
        """Close the connection: what was discarded is missing from it."""
        self._close()

    def stop(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_anew(self) -> None:
        self.stop()
        if self.toxic.timeout > 0 and not self._over:
            self._timer = self.lane.call_later(self.toxic.timeout * MS, self._close)

    def _close(self) -> None:
        self.touch()
        self.finish(Ending.CLOSE)


@dataclass(frozen=True, slots=True)
class Timeout(Attributes):
    """Stop all data.

    Args:
        timeout: milliseconds of silence after which the connection is closed; 0 or less never closes it.
    """

    kind: ClassVar[str] = "timeout"
    go_name: ClassVar[str] = "TimeoutToxic"
    stage: ClassVar[type[Stage]] = TimeoutStage
    timeout: int = 0
