"""Checks of toxics' attributes: what would crash Toxiproxy is refused here, with the value."""

from __future__ import annotations


class AttributeRefusedError(ValueError):
    """Refuse an attribute's value; the message names both."""


def refuse_above(name: str, value: int, limit: int) -> None:
    """Refuse values above the limit."""
    if value > limit:
        raise AttributeRefusedError(f"{name} must be at most {limit}, got {value}")


def refuse_below(name: str, value: int, limit: int) -> None:
    """Refuse values below the limit."""
    if value < limit:
        raise AttributeRefusedError(f"{name} must be at least {limit}, got {value}")
