"""What every toxic's attributes have in common, and the checks of their values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

from pytest_resilience.proxy.toxics.stage import Stage


class AttributeRefusedError(ValueError):
    """Refuse an attribute's value; the message names both."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """A toxic's type, and its settings, which are integers in foreign units."""

    kind: ClassVar[str]
    """The type, as the API names it."""
    go_name: ClassVar[str]
    """The type, as Toxiproxy's error texts name it."""
    go_int: ClassVar[str] = "int64"
    """The type of its numbers, as Toxiproxy's error texts name it."""
    stage: ClassVar[type[Stage]] = Stage
    """What acts on a connection."""

    def shown(self) -> dict[str, int]:
        """Return the attributes that the API shows."""
        return asdict(self)

    def check(self) -> None:
        """Refuse values that make no sense.

        Raises:
            AttributeRefusedError: Toxiproxy would crash on a value.
        """


def refuse_above(name: str, value: int, limit: int) -> None:
    """Refuse values above the limit."""
    if value > limit:
        raise AttributeRefusedError(f"{name} must be at most {limit}, got {value}")


def refuse_below(name: str, value: int, limit: int) -> None:
    """Refuse values below the limit."""
    if value < limit:
        raise AttributeRefusedError(f"{name} must be at least {limit}, got {value}")
