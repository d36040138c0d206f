"""Slow close: hold the end of a connection, and only that."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pytest_resilience.proxy.toxics.attributes import Attributes
from pytest_resilience.proxy.toxics.stage import MS, Ending, Lane, Stage, Timer, now


class SlowCloseStage(Stage):
    """Let data pass, and pass the end on later."""

    toxic: SlowClose

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        super().__init__(toxic, lane, random)
        self._ending: Ending | None = None
        self._ended_at = 0.0
        self._timer: Timer | None = None

    def finish(self, ending: Ending) -> None:
        """Hold the end for the delay."""
        self.touch()
        self._ending = ending
        self._ended_at = now()
        self._wait()

    def update(self, toxic: Any) -> None:
        """Hold for the new delay, counted from when the end came."""
        self.toxic = toxic
        if self._ending is not None:
            self._wait()

    def remove(self) -> None:
        """Pass the end on at once."""
        self._pass_on()

    def stop(self) -> None:
        """Forget the end."""
        self._ending = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        left = self._ended_at + self.toxic.delay * MS - now()
        self._timer = self.lane.call_later(max(0.0, left), self._pass_on)

    def _pass_on(self) -> None:
        ending = self._ending
        self.stop()
        if ending is not None:
            self.next.finish(ending)


@dataclass(frozen=True, slots=True)
class SlowClose(Attributes):
    """Delay the close of a direction.

    Args:
        delay: milliseconds.
    """

    kind: ClassVar[str] = "slow_close"
    go_name: ClassVar[str] = "SlowCloseToxic"
    stage: ClassVar[type[Stage]] = SlowCloseStage
    delay: int = 0
