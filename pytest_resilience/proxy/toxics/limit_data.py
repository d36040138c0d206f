"""Limit data: pass so many bytes, then close the connection."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pytest_resilience.proxy.toxics.attributes import Attributes
from pytest_resilience.proxy.toxics.stage import Ending, Lane, Stage


class LimitDataStage(Stage):
    """Count what passes from when the toxic was added to the connection."""

    toxic: LimitData

    def __init__(self, toxic: Any, lane: Lane, random: Random) -> None:
        super().__init__(toxic, lane, random)
        self._passed = 0
        self._over = False

    def feed(self, data: bytes, at: float) -> None:
        """Pass what is left of the limit, and close when nothing is."""
        if self._over:
            return
        allowed = data[: max(0, self.toxic.bytes - self._passed)]
        self._passed += len(allowed)
        if allowed:
            self.next.feed(allowed, at)
        if self._passed >= self.toxic.bytes:
            self.touch()
            self.finish(Ending.CLOSE)

    def finish(self, ending: Ending) -> None:
        """Pass the end on, once."""
        if not self._over:
            self._over = True
            self.next.finish(ending)


@dataclass(frozen=True, slots=True)
class LimitData(Attributes):
    """Close the connection after some data.

    Args:
        bytes: how many pass; with 0 the first data closes the connection.
    """

    kind: ClassVar[str] = "limit_data"
    go_name: ClassVar[str] = "LimitDataToxic"
    stage: ClassVar[type[Stage]] = LimitDataStage
    bytes: int = 0
