"""What a real Toxiproxy cannot carry, so that our engine does, which stands in front of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 2**31
"""Toxiproxy computes with the attributes in 64 bits, unchecked: times in nanoseconds overflow."""


def beyond_toxiproxy(toxic: Mapping[str, Any]) -> bool:
    """Tell whether Toxiproxy 2.12 would do something else than it was told, crash or hang.

    Args:
        toxic: as its API takes it.
    """
    attributes = toxic["attributes"]
    if "connections" in toxic:
        return True  # it acts on all of them
    if toxic["toxicity"] < 1 or any(not 0 <= value < LARGEST for value in attributes.values()):
        return True  # it draws without the seed, and anew whenever another toxic comes or goes
    check = _BEYOND.get(toxic["type"])
    return check is not None and check(attributes)


def _resets(_attributes: Mapping[str, int]) -> bool:
    """It closes live connections with FIN and leaves idle ones alone."""
    return True


def _has_odd_rate(attributes: Mapping[str, int]) -> bool:
    """It knows whole kilobytes alone, and hangs when a rate of none is taken back after clients have left."""
    return attributes["rate"] == 0 or "bytes_per_second" in attributes


def _cuts_for_ever(attributes: Mapping[str, int]) -> bool:
    """It crashes where a piece could come out empty."""
    return attributes["size_variation"] >= attributes["average_size"]


_BEYOND = {"reset_peer": _resets, "bandwidth": _has_odd_rate, "slicer": _cuts_for_ever}
