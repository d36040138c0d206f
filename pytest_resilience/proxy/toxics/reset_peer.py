"""Reset peer: end the connection with a real RST."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pytest_resilience.proxy.toxics.stage import MS, Ending, Lane, Stage, Timer


class ResetPeerStage(Stage):
    """Hold everything, and reset both sides when the time is over, data or not."""

    toxic: ResetPeer

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        super().__init__(toxic, lane, random)
        self._waiting: list[tuple[bytes, float]] = []
        self._ending: Ending | None = None
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin to count: from the opening of the connection, or from when the toxic was added to it."""
        self.stop()
        self._timer = self.lane.call_later(max(0, self.toxic.timeout) * MS, self._reset)

    def feed(self, data: bytes, at: float) -> None:
        """Hold: the reset discards it, a removal lets it pass."""
        self._waiting.append((data, at))
        self.held += len(data)
        self.lane.balance()

    def finish(self, ending: Ending) -> None:
        """Hold the end too: the reset comes first."""
        self._ending = ending

    def update(self, toxic: Any) -> None:
        """Count anew, with the new time."""
        self.toxic = toxic
        self.start()

    def remove(self) -> None:
        """Let everything pass after all."""
        self.stop()
        waiting, self._waiting, self.held = self._waiting, [], 0
        for data, at in waiting:
            self.next.feed(data, at)
        if self._ending is not None:
            self.next.finish(self._ending)

    def stop(self) -> None:
        """Reset no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reset(self) -> None:
        self.lane.touched(self)
        self.lane.reset()


@dataclass(frozen=True, slots=True)
class ResetPeer:
    """Reset the connection.

    Args:
        timeout: milliseconds from the opening of the connection, or from the adding of the toxic.
    """

    type: ClassVar[str] = "reset_peer"
    stage: ClassVar[type[Stage]] = ResetPeerStage
    timeout: int = 0

    def check(self) -> None:
        """Accept any time: one below zero is at once."""
