"""Fixtures for the runtime's own side: captured alerts, parsed log records, and time that takes no time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_resilience.plugin.resilience_control import Resilience
    from pytest_resilience.services.alert_inbox import AlertInbox
    from pytest_resilience.testing import FakeClock


CREDENTIALS = {
    "PAGERDUTY_ROUTING_KEY": "0123456789abcdef" * 2,
    "ALERT_EMAIL_FROM": "alerts@example.org",
    "ALERT_EMAIL_TO": "on-call@example.org",
}
"""What the runtime's channels need besides an address; nobody's real ones are used in a test."""


@pytest.fixture
def alert_inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlertInbox]:
    """Captured PagerDuty, Slack and SMTP endpoints: what they accepted, what they rejected and why.

    Alerts of the runtime in this process go there: its environment variables are set, its outbox is the test's own.
    """
    from pytest_resilience.runtime.alerting import process
    from pytest_resilience.services.alert_inbox import AlertInbox

    with AlertInbox() as inbox:
        for name in ("SMTP_USER", "SMTP_PASSWORD"):
            monkeypatch.delenv(name, raising=False)
        outbox = {"RESILIENCE_OUTBOX": str(tmp_path / "alerts.db")}
        for name, value in {**CREDENTIALS, **inbox.env, **outbox}.items():
            monkeypatch.setenv(name, value)
        yield inbox
        process.stop_all()


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
