"""Fixtures for the runtime's own side: captured alerts, parsed log records, and time that takes no time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_resilience.plugin.resilience_control import Resilience
    from pytest_resilience.services.alert_inbox import AlertInbox
    from pytest_resilience.testing import FakeClock


@pytest.fixture
def alert_inbox() -> Iterator[AlertInbox]:
    """Captured PagerDuty, Slack and SMTP endpoints: what they accepted, what they rejected and why."""
    from pytest_resilience.services.alert_inbox import AlertInbox

    with AlertInbox() as inbox:
        yield inbox


@pytest.fixture
def error_log() -> Iterator[list[Mapping[str, Any]]]:
    """The records that this process logs during the test, parsed."""
    from pytest_resilience.plugin.record_catcher import RecordCatcher

    catcher = RecordCatcher()
    logging.getLogger().addHandler(catcher)
    yield catcher.records
    logging.getLogger().removeHandler(catcher)


@pytest.fixture
def virtual_clock() -> Iterator[FakeClock]:
    """Time that passes only when somebody sleeps on it or calls `.advance(seconds)`; `.sleeps` lists the delays."""
    from pytest_resilience.testing import virtual_time

    with virtual_time() as clock:
        yield clock


@pytest.fixture
def resilience(virtual_clock: FakeClock) -> Iterator[Resilience]:
    """All delays, deadlines and reset periods are virtual, and every event of the runtime is kept."""
    from pytest_resilience.plugin.resilience_control import Resilience
    from pytest_resilience.testing import event_log

    with event_log() as events:
        yield Resilience(virtual_clock, events)
