"""What a server has shown under its faults so far, so that somebody can tell whether that is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_resilience.chaos.run.record import CallRecord, Message

ANSWERS = 3
"""Requests under the fault that have to be answered besides those that it met."""
UNASKED = 3.0
"""Seconds under the fault of a server that nobody asks anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """A server under faults.

    Args:
        struck_at: when the first of them struck, or was there; none before.
        now: seconds since the run began, as all times here.
        calls: the requests so far; those under way are `blocked` and have no end.
        alerts: how many alerts have come.
        limit: seconds after which a request is given up.
        scale: how much faster the workload's time runs than that of the machine.
        messages: tells what the proxies have seen, in order.
    """

    struck_at: float | None
    now: float
    calls: Sequence[CallRecord]
    alerts: int
    limit: float
    scale: float
    messages: Callable[[], Sequence[Message]]

    def is_settled(self, call: CallRecord) -> bool:
        """Whether a request was answered, or given up."""
        return call.ended is not None or self.now - call.began >= self.limit


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
