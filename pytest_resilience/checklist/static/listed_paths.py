"""Finds what a catalogue says of a path, through the base classes of its type."""

from __future__ import annotations

from collections.abc import Container

from pytest_resilience.checklist.static.world import Act


def listed(act: Act, path: str, table: Container[str]) -> str | None:
    """Return the entry for a path, through base classes."""
    if path in table:
        return path
    base, _, name = path.rpartition(".")
    return act.world.names.member(base, name, table) if base else None
