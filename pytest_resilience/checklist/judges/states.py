"""How two states of a service differ, in words without data."""

from __future__ import annotations

from typing import Any

from pytest_resilience.chaos.state.difference import difference
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.chaos.state.registry import RegistryState
from pytest_resilience.chaos.state.registry_difference import registry_difference


def in_words(expected: Any, seen: Any) -> str:
    """Return what is other in `seen`, empty where they are equal."""
    if expected == seen:
        return ""
    if isinstance(expected, PostgresState) and isinstance(seen, PostgresState):
        return _joined(difference(expected, seen))
    if isinstance(expected, RegistryState) and isinstance(seen, RegistryState):
        return _joined(registry_difference(expected, seen))
    return "the state differs"


def _joined(words: tuple[str, ...]) -> str:
    more = f"; {len(words) - 3} more differences" if len(words) > 3 else ""
    return "; ".join(words[:3]) + more if words else "the state differs"
