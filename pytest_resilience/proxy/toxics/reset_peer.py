"""Reset peer: end the connection with a real RST."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pytest_resilience.proxy.toxics.attributes import Attributes
from pytest_resilience.proxy.toxics.stage import MS, Ending, Lane, Stage, Timer


class ResetPeerStage(Stage):
    """Hold everything, and reset both sides when the time is over, data or not."""

    toxic: ResetPeer

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        super().__init__(toxic, lane, random)
        self._waiting: list[tuple[bytes, float]] = []
        self._ending: Ending | None = None
        self._timer: Timer | None = None
        self._added_late = lane.opened

    def start(self) -> None:
        """Begin to count: from the opening of the connection, or from when the toxic was added to it."""
        if not self.lane.compat:
            self._timer = self._count()

    def feed(self, data: bytes, at: float) -> None:
        """Hold: the reset discards it, a removal lets it pass."""
        self._timer = self._timer or self._count()
        self._waiting.append((data, at))
        self.held += len(data)
        self.lane.balance()

    def finish(self, ending: Ending) -> None:
        """Hold the end too: the reset comes first."""
        self._timer = self._timer or self._count()
        self._ending = ending

    def update(self, toxic: Any) -> None:
        """Count anew, with the new time."""
        self.toxic = toxic
        if self._timer is not None:
            self.stop()
            self._timer = self._count()

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

    def _count(self) -> Timer:
        return self.lane.call_later(max(0, self.toxic.timeout) * MS, self._reset)

    def _reset(self) -> None:
        self.touch()
        if self.lane.compat and self._added_late:
            self.next.finish(Ending.CLOSE)
        else:
            self.lane.reset()


@dataclass(frozen=True, slots=True)
class ResetPeer(Attributes):
    """Reset the connection.

    Args:
        timeout: milliseconds from the opening of the connection, or from the adding of the toxic.
    """

    kind: ClassVar[str] = "reset_peer"
    go_name: ClassVar[str] = "ResetToxic"
    stage: ClassVar[type[Stage]] = ResetPeerStage
    timeout: int = 0
