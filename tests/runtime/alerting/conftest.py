"""What the tests of alerting share: captured endpoints, channels to them, a clock that is told to go on."""

from itertools import count

import pytest

from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.configuration import ENVIRONMENT
from pytest_resilience.runtime.alerting.email import EmailChannel
from pytest_resilience.runtime.alerting.pagerduty import PagerDutyChannel
from pytest_resilience.runtime.alerting.slack import SlackChannel
from pytest_resilience.services.alert_inbox import AlertInbox

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
NUMBERS = count(1)


class Clock:
    """A clock that stands still until it is told to go on; both hands can be moved apart."""

    def __init__(self):
        self.wall, self.steady = 1_767_323_045.0, 1_000.0

    def time(self):
        """Return the wall clock."""
        return self.wall

    def monotonic(self):
        """Return the steady clock."""
        return self.steady

    def advance(self, seconds):
        """Go on."""
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clock():
    """A clock of this test alone."""
    return Clock()


@pytest.fixture
def inbox():
    """Captured endpoints of this test alone."""
    with AlertInbox() as running:
        yield running


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No channel is configured, and the outbox is this test's."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RESILIENCE_OUTBOX", str(tmp_path / "outbox.sqlite3"))
    return monkeypatch


@pytest.fixture
def configured(environment, inbox):
    """All channels are configured by the environment, to the captured endpoints."""
    for name, value in inbox.env.items():
        environment.setenv(name, value)
    environment.setenv("PAGERDUTY_ROUTING_KEY", ROUTING_KEY)
    environment.setenv("ALERT_EMAIL_TO", "oncall@example.org, second@example.org")
    environment.setenv("ALERT_EMAIL_FROM", "icu@example.org")
    return inbox


@pytest.fixture
def channels(inbox):
    """The channels to the captured endpoints, by name."""
    return {
        "pagerduty": PagerDutyChannel(ROUTING_KEY, inbox.urls["pagerduty"]),
        "slack": SlackChannel(inbox.urls["slack"]),
        "email": EmailChannel(
            host=inbox.urls["smtp_host"],
            port=int(inbox.urls["smtp_port"]),
            recipients=("oncall@example.org", "second@example.org"),
            sender="icu@example.org",
        ),
    }


@pytest.fixture
def make_alert():
    """A function that makes an alert, each with another id."""

    def make(**changes):
        number = next(NUMBERS)
        facts = {
            "uid": f"alert{number}",
            "severity": "HIGH",
            "component": "api",
            "message": "labs do not answer",
            "details": {"operation": "score"},
            "dedup_key": f"key{number}",
            "created": 1_767_323_045.0,
        }
        return Alert(**{**facts, **changes})

    return make
