"""When a server has shown under a fault what it does about it."""

from __future__ import annotations

from pytest_resilience.chaos.run.exposure import Exposure, has_answered

ALERT_WITHIN = 10.0
"""Seconds under an outage in which a server has to raise its alert."""


def has_alerted(seen: Exposure) -> bool:
    """Whether it has answered, and an alert has come, or is late."""
    if not has_answered(seen):
        return False
    return seen.alerts > 0 or seen.now - (seen.struck_at or 0.0) >= ALERT_WITHIN
