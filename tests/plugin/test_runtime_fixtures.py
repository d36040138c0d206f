"""The fixtures that need no service: captured alerts, parsed records, virtual time."""

from __future__ import annotations

import json
import logging
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from pytest_resilience import (
    AlertRouter,
    RetryableError,
    StructuredErrorLogger,
    retry_with_exponential_backoff,
)


def test_delays_are_virtual(virtual_clock) -> None:
    """Real default delays take no time, and each is listed."""
    calls = []

    def fail():
        calls.append(1)
        raise RetryableError("no")

    with pytest.raises(RetryableError):
        retry_with_exponential_backoff(fail, jitter=False)

    assert (len(calls), virtual_clock.sleeps) == (4, [2.0, 4.0, 8.0])


def test_events_are_kept(resilience) -> None:
    """The `resilience` fixture has the virtual clock and the events of the runtime."""
    outcomes = iter([RetryableError("once"), None])

    def fail_once():
        outcome = next(outcomes)
        if outcome:
            raise outcome

    retry_with_exponential_backoff(fail_once)

    assert type(resilience.events.events[0]).__name__ == "AttemptFailed"
    assert len(resilience.clock.sleeps) == 1


def test_inbox_takes_alerts(alert_inbox) -> None:
    """What is posted to the captured endpoints is there to read."""
    url = urlsplit(alert_inbox.urls["slack"])
    connection = HTTPConnection(url.hostname, url.port)
    connection.request("POST", url.path, json.dumps({"text": "database lost"}))
    status = connection.getresponse().status
    connection.close()

    assert (status, alert_inbox.slack[0].body) == (200, {"text": "database lost"})


def test_alerts_of_the_runtime_arrive(alert_inbox) -> None:
    """A router without any setting sends to the captured endpoints."""
    channels = AlertRouter().route_alert("CRITICAL", "database", "connection lost")
    alert_inbox.wait_for(lambda: alert_inbox.pagerduty and alert_inbox.slack, 60)

    assert channels == ["pagerduty", "slack"]
    assert alert_inbox.pagerduty[0].body["payload"]["severity"] == "critical"
    assert (list(alert_inbox.email), alert_inbox.pagerduty.rejected) == ([], [])


def test_records_are_parsed(error_log) -> None:
    """Lines of JSON and plain records come as mappings alike."""
    StructuredErrorLogger("ward", router=_Silent()).log_error(ValueError("bad"), {"operation": "ingest"})
    logging.getLogger("team").warning("again in %s s", 2, extra={"attempt": 1})

    first, second = error_log
    assert (first["error_type"], first["context"]["operation"]) == ("ValueError", "ingest")
    assert (second["event"], second["attempt"], second["level"]) == ("again in 2 s", 1, "WARNING")


class _Silent(AlertRouter):
    def __init__(self) -> None:
        """Keep alerts in this process."""

    def route_alert(self, *_args, **_kwargs):
        """Send nothing."""
        return []
