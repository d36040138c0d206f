"""The `resilience` fixture's object: virtual time, and what the runtime told its listeners."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_resilience.testing import EventLog, FakeClock


@dataclass(frozen=True, slots=True)
class Resilience:
    """The `resilience` fixture: all delays are virtual, and every event is kept.

    Args:
        clock: the virtual time, with `.advance(seconds)` and `.sleeps`.
        events: what the runtime told its listeners, with `.of(kind)`.
    """

    clock: FakeClock
    events: EventLog
