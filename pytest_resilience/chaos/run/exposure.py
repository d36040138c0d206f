"""What a server has shown under its faults so far, so that somebody can tell whether that is enough."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_resilience.chaos.points.of_http import changes, http_request
from pytest_resilience.chaos.run.record import CallRecord, FaultRecord, Message

ANSWERS = 3
"""Requests under the fault that have to be answered besides those that it met."""
UNASKED = 3.0
"""Seconds under the fault of a server that nobody asks anything."""
RESTS, ENDLESS = 2, 10
"""Times the longest pause between requests after which no other is to be expected, and after which there is no end."""
LEAST_REST = 0.5
"""Seconds that a server rests, at least."""


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
        faults: tells what was broken.
    """

    struck_at: float | None
    now: float
    calls: Sequence[CallRecord]
    alerts: int
    limit: float
    scale: float
    messages: Callable[[], Sequence[Message]]
    faults: Callable[[], Sequence[FaultRecord]]

    def is_settled(self, call: CallRecord) -> bool:
        """Whether a request was answered, or given up."""
        return call.ended is not None or self.now - call.began >= self.limit


def has_answered(seen: Exposure, *, answers: int = ANSWERS) -> bool:
    """Whether the requests that the fault met are settled, and some that came after it."""
    struck = seen.struck_at
    if struck is None:
        return False
    if not seen.calls:
        return seen.now - struck >= UNASKED
    met = [call for call in seen.calls if call.began <= struck]
    later = [call for call in seen.calls if call.began > struck and seen.is_settled(call)]
    return all(map(seen.is_settled, met)) and len(later) >= answers


def has_come_to_rest(services: Collection[str]) -> Callable[[Exposure], bool]:
    """Return what tells whether an undisturbed server that is sent nothing more has made the requests that it put off.

    One that makes none but while it answers has; and of one that never ends to make them nothing is to be awaited.

    Args:
        services: to which it may put them off, those that speak HTTP.
    """

    def rests(seen: Exposure) -> bool:
        made = [
            message.at
            for message in seen.messages()
            if message.service in services and _changes(message) and not _is_within(message.at, seen)
        ]
        if not made:
            return True
        pause = max([LEAST_REST * seen.scale, *(after - before for before, after in pairwise(made))])
        answered = max((call.ended or seen.now for call in seen.calls), default=0.0)
        return seen.now - made[-1] >= RESTS * pause or seen.now - answered >= ENDLESS * pause

    return rests


def _changes(message: Message) -> bool:
    request = http_request(message) if message.side == "request" else None
    return request is not None and changes(request)


def _is_within(at: float, seen: Exposure) -> bool:
    """Whether a moment lies within a call."""
    return any(call.began <= at <= (call.ended or seen.now) for call in seen.calls)
