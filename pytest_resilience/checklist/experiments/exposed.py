"""When a server has shown under a fault what it does about it."""

from __future__ import annotations

from pytest_resilience.chaos.run.exposure import Exposure, has_answered
from pytest_resilience.checklist.judges.alerts import WITHIN

ALERT_SOON = 10.0
"""Seconds under a fault after which a server's alert is waited for no longer where it is not what is asked for."""


def has_alerted(seen: Exposure) -> bool:
    """Whether it has answered, and an alert has come, or is late."""
    return _has_alerted(seen, within=WITHIN)


def has_alerted_soon(seen: Exposure) -> bool:
    """Whether it has answered, and an alert has come, or does not come soon."""
    return _has_alerted(seen, within=ALERT_SOON)


def _has_alerted(seen: Exposure, *, within: float) -> bool:
    if not has_answered(seen):
        return False
    return seen.alerts > 0 or seen.now - (seen.struck_at or 0.0) >= within
