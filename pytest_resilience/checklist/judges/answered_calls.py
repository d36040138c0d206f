"""Calls of a server that were answered as undisturbed, and whether these show what each of them leaves."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_resilience.chaos.run.record import CallRecord, RunRecord

FEWEST = 3
"""Calls of an undisturbed run that show what one leaves."""


def answered(calls: Sequence[CallRecord], clean: RunRecord) -> int:
    """Return how many calls were answered as undisturbed."""
    usual = {call.outcome for call in clean.calls}
    return sum(call.outcome in usual for call in calls)


def are_alike(clean: RunRecord) -> bool:
    """Whether the calls of an undisturbed run are enough, and all answered alike, to show what each leaves."""
    return len(clean.calls) >= FEWEST and len({call.outcome for call in clean.calls}) == 1
