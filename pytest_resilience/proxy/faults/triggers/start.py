"""At any message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.point import PROTOCOLS, Point
from pytest_resilience.proxy.faults.triggers.trigger import Trigger


@dataclass(slots=True)
class Start(Trigger):
    """Strike at any message, in either direction."""

    name: ClassVar[str] = "start"
    sided: ClassVar[bool] = False
    protocols: ClassVar[frozenset[str]] = PROTOCOLS

    def count(self, point: Point) -> int:  # noqa: ARG002 - every message will do
        """Count every message."""
        return 1

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"start": True}
