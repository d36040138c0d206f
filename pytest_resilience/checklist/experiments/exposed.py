"""When a server has shown under a fault what it does about it."""

from __future__ import annotations

from pytest_resilience.chaos.run.exposure import Exposure

ANSWERS = 3
"""Requests under the fault that have to be answered besides those that it met."""
UNASKED = 3.0
"""Seconds under the fault of a server that nobody asks anything."""
ALERT_WITHIN = 10.0
"""Seconds under an outage in which a server has to raise its alert."""


def has_answered(seen: Exposure) -> bool:
    """Whether the requests that the fault met are settled, and some that came after it."""
    struck = seen.struck_at
    if struck is None:
        return False
    if not seen.calls:
        return seen.now - struck >= UNASKED
    met = [call for call in seen.calls if call.began <= struck]
    later = [call for call in seen.calls if call.began > struck and seen.is_settled(call)]
    return all(map(seen.is_settled, met)) and len(later) >= ANSWERS


def has_alerted(seen: Exposure) -> bool:
    """Whether it has answered, and an alert has come, or is late."""
    if not has_answered(seen):
        return False
    return seen.alerts > 0 or seen.now - (seen.struck_at or 0.0) >= ALERT_WITHIN
