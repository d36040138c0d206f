"""Sizes with which a fault would change nothing: refused where they are asked for, or a test is green for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FASTEST = 1_000_000_000
"""Bytes a second; no connection through a proxy on loopback carries more."""
LARGEST_PIECE = 32 * 1024
"""Bytes that a toxic is given at once, by our engine (`CHUNK_SIZE` of its lanes) as by Toxiproxy."""


def why_no_change(kind: str, attributes: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the attribute that makes a fault change nothing, and why; none where it changes something.

    Args:
        kind: the fault kind.
        attributes: what was given, by their public names; each has been read already.
    """
    if attributes.get("toxicity") == 0:
        return "toxicity", "toxicity is 0: the fault would act on no connection"
    rate = attributes.get("rate", 0)
    if kind in {"bandwidth", "slow"} and isinstance(rate, int | float) and rate > FASTEST:
        return (
            "rate",
            f"rate is {rate}: nothing here is faster than {FASTEST} bytes a second, which it may be at most",
        )
    size = attributes.get("size", 0)
    if (
        kind == "slicer"
        and size + attributes.get("variation", 0) >= LARGEST_PIECE
        and not attributes.get("delay")
    ):
        return "size", (
            f"size is {size}: data comes in pieces of {LARGEST_PIECE} bytes at most anyway, so nothing would be cut; "
            "with its variation it has to be less, or there has to be a delay"
        )
    return None
