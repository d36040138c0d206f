"""Page by PagerDuty's events interface."""

import os

import httpx

from dispatch.faults import DispatchError


def page(error: DispatchError) -> None:
    """Send an event."""
    event = {
        "routing_key": os.environ["PAGERDUTY_ROUTING_KEY"],
        "event_action": "trigger",
        "dedup_key": f"dispatch:{error.service}",
        "payload": {
            "summary": f"Orders are not dispatched, {error.service} fails with {error.code or 'no answer'}",
            "severity": "critical",
            "source": "dispatch",
            "component": "database" if error.service == "stock" else "api",
        },
    }
    httpx.post(os.environ["PAGERDUTY_EVENTS_URL"], json=event, timeout=2).raise_for_status()
