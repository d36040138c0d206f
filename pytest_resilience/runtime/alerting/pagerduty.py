"""The PagerDuty channel: Events API v2, by the limits of its documentation."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.http_post import judge_answer, post_json

EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
SEVERITIES = {"CRITICAL": "critical", "HIGH": "error", "MEDIUM": "warning", "LOW": "info"}
MAX_SUMMARY = 1_024
MAX_DEDUP_KEY = 255


@dataclass(frozen=True, slots=True)
class PagerDutyChannel:
    """Trigger, acknowledge and resolve events.

    Args:
        routing_key: the integration key, 32 characters.
        url: where to POST the events.
    """

    routing_key: str = field(repr=False)
    url: str = EVENTS_URL
    name: str = "pagerduty"

    def send(self, alert: Alert) -> None:
        """Send one event and wait for the 202."""
        judge_answer(self.name, post_json(self.url, self.event(alert)))

    def event(self, alert: Alert) -> dict[str, Any]:
        """Return the event as the API wants it."""
        event: dict[str, Any] = {
            "routing_key": self.routing_key,
            "event_action": alert.action,
            "dedup_key": alert.dedup_key[:MAX_DEDUP_KEY],
        }
        if alert.action == "trigger":
            event |= {"payload": _payload(alert), "client": "pytest-resilience"}
        return event


def _payload(alert: Alert) -> dict[str, Any]:
    summary = f"{alert.severity} {alert.component}: {alert.message}"
    return {
        "summary": summary if len(summary) <= MAX_SUMMARY else summary[: MAX_SUMMARY - 1] + "…",
        "source": socket.gethostname() or "unknown",
        "severity": SEVERITIES[alert.severity],
        "timestamp": datetime.fromtimestamp(alert.created, UTC).isoformat(),
        "component": alert.component,
        "class": f"{alert.severity}/{alert.component}",
        "custom_details": {**alert.details, "alert_id": alert.uid, "count": alert.count},
    }
