"""At any message from some time on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.point import PROTOCOLS, Point
from pytest_resilience.proxy.faults.triggers.trigger import Trigger


@dataclass(slots=True)
class After(Trigger):
    """Strike at any message from so long after the proxy's first connection.

    Args:
        seconds: how long.
    """

    seconds: float
    name: ClassVar[str] = "after"
    sided: ClassVar[bool] = False
    protocols: ClassVar[frozenset[str]] = PROTOCOLS

    def count(self, point: Point) -> int:
        """Count the messages from then on."""
        return int(point.age >= self.seconds)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"after": self.seconds}
