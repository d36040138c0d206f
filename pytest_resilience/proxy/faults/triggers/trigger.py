"""When a fault strikes: what all triggers have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.point import Point


@dataclass(slots=True)
class Trigger:
    """Count how often a message is what the fault waits for; a string of statements may be it several times.

    Attributes:
        name: its key in JSON.
        sided: whether it is set at one side, at requests or at replies; else it watches both.
        protocols: where it makes sense.
    """

    name: ClassVar[str]
    sided: ClassVar[bool] = True
    protocols: ClassVar[frozenset[str]] = frozenset({"postgres"})

    @property
    def only_statements(self) -> bool:
        """Whether no PostgreSQL message matters to it but those that execute statements or answer them."""
        return False

    @property
    def sees_rows(self) -> bool:
        """Whether it has to see each CopyData message by itself."""
        return False

    def count(self, point: Point) -> int:
        """Return how many matches this message is; called once for each message."""
        raise NotImplementedError

    def foresee(self, point: Point) -> int:
        """Return the same for a message that has not come yet, and remember nothing."""
        return self.count(point)

    def label(self, point: Point) -> str:
        """Return what the receipt calls the message."""
        return point.label

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        raise NotImplementedError
