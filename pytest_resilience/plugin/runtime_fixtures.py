"""Fixtures for the runtime's own side: captured alerts, parsed log records, and time that takes no time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.plugin.declared_environment import FIXTURE
from pytest_resilience.plugin.session import configuration_of

if TYPE_CHECKING:
    from pytest_resilience.chaos.sandbox import Sandbox
    from pytest_resilience.plugin.resilience_control import Resilience
    from pytest_resilience.services.alert_inbox import AlertInbox
    from pytest_resilience.testing import FakeClock


INBOX: pytest.StashKey[AlertInbox] = pytest.StashKey()


@pytest.fixture
def alert_inbox(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AlertInbox]:
    """Captured PagerDuty, Slack and SMTP endpoints: what they accepted, what they rejected and why.

    Alerts of the runtime in this process go there: its environment variables are set, its outbox is the test's own.
    So are the variables that the configuration declares for alerts.
    """
    from pytest_resilience.chaos.known_state.environment import alerts_env
    from pytest_resilience.runtime.alerting import process
    from pytest_resilience.services.alert_inbox.credentials import CREDENTIALS

    declared = configuration_of(request.config).alerts
    with _inbox_of(request) as inbox:
        request.node.stash[INBOX] = inbox
        for name in ("SMTP_USER", "SMTP_PASSWORD"):
            monkeypatch.delenv(name, raising=False)
        outbox = {"RESILIENCE_OUTBOX": str(tmp_path / "alerts.db")}
        own = {} if declared is None else alerts_env(declared, inbox.urls)
        for name, value in {**CREDENTIALS, **inbox.env, **outbox, **own}.items():
            monkeypatch.setenv(name, value)
        yield inbox
        process.stop_all()


def _inbox_of(request: pytest.FixtureRequest) -> AbstractContextManager[AlertInbox]:
    """Return the inbox that the declared variables of a chaos test lead to, or one for this test alone."""
    from pytest_resilience.services.alert_inbox import AlertInbox

    if FIXTURE in request.fixturenames:
        sandbox: Sandbox = request.getfixturevalue("resilience_sandbox")
        return nullcontext(sandbox.inbox)
    return AlertInbox()


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
