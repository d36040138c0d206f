"""Receipts: the proof that a fault fired, and on what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One firing of one fault.

    Args:
        at: seconds since the test began.
        service: the service whose traffic was hit.
        kind: the fault kind.
        connection: which connection of the test to that service, from 1; none for a closed listener.
        message: the message or request that was hit; none for a network fault.
    """

    at: float
    service: str
    kind: str
    connection: int | None = None
    message: str | None = None
