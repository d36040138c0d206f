"""Breaker states as the wire shows them, whichever library keeps them: calls that fail while no request is sent."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_resilience.chaos.run.record import CallRecord, RunRecord

FEWEST_HELD_BACK = 3
"""Failed calls in a row without a request that look like an open breaker; fewer may be chance."""


@dataclass(frozen=True, slots=True)
class CircuitState:
    """A state, and from when until when it was seen."""

    at: float
    until: float
    word: Literal["open", "trial", "closed"]
    label: str


def circuits(record: RunRecord) -> Iterator[CircuitState]:
    """Return the states that can be told from calls and requests; none where nothing was ever held back."""
    sent = sorted(message.at for message in record.messages if message.side == "request")
    calls = [call for call in record.calls if call.ended is not None]
    stretches = _stretches(calls, sent)
    was_open = False
    for held_back, group in stretches:
        at, until = group[0].began, group[-1].ended or group[-1].began
        if held_back and (len(group) >= FEWEST_HELD_BACK or was_open):
            was_open = True
            yield CircuitState(at, until, "open", f"open: {len(group)} calls failed and nothing was sent")
        elif was_open and all(call.outcome == "ok" for call in group):
            was_open = False
            yield CircuitState(at, until, "closed", "closed: calls succeed again")
        elif was_open and not held_back:
            yield CircuitState(at, until, "trial", f"trial: {len(group)} calls were let through")


def _stretches(calls: list[CallRecord], sent: list[float]) -> list[tuple[bool, list[CallRecord]]]:
    """Return neighbouring calls of one kind: held back (true), or not."""
    stretches: list[tuple[bool, list[CallRecord]]] = []
    for call in calls:
        held_back = call.outcome != "ok" and not _sent_between(sent, call.began, call.ended or call.began)
        if stretches and stretches[-1][0] == held_back:
            stretches[-1][1].append(call)
        else:
            stretches.append((held_back, [call]))
    return stretches


def _sent_between(sent: list[float], began: float, ended: float) -> bool:
    first = bisect_left(sent, began)
    return first < len(sent) and sent[first] <= ended
