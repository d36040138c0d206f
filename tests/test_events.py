"""Events: frozen facts, told to whoever listens."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, is_dataclass

import pytest

from pytest_resilience import events
from pytest_resilience.testing import EventLog


def test_every_event_is_listed_and_frozen():
    """`EVENTS` is complete."""
    defined = {one for one in vars(events).values() if isinstance(one, type) and is_dataclass(one)}

    assert set(events.EVENTS) == defined
    with pytest.raises(FrozenInstanceError):
        events.CircuitClosed("labs").breaker = "other"


def test_a_subscriber_hears_everything_until_it_leaves():
    """Leaving twice is safe, and leaves others alone."""
    first, second = EventLog(), EventLog()
    leave_first, leave_second = events.subscribe(first), events.subscribe(second)
    events.tell((), "one")
    leave_first()
    leave_first()
    events.tell((), "two")
    leave_second()
    events.tell((), "three")

    assert (first.events, second.events) == (["one"], ["one", "two"])
