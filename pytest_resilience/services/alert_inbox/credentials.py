"""What alert channels need besides an address, and what of the shell must not reach a test: nobody is to be paged."""

from __future__ import annotations

from collections.abc import Mapping

CREDENTIALS: Mapping[str, str] = {
    "PAGERDUTY_ROUTING_KEY": "0123456789abcdef" * 2,
    "ALERT_EMAIL_FROM": "alerts@example.org",
    "ALERT_EMAIL_TO": "on-call@example.org",
}
"""Valid in form, and nobody's."""

OF_THE_SHELL = (
    *("PAGERDUTY_ROUTING_KEY", "PAGERDUTY_EVENTS_URL", "SLACK_WEBHOOK_URL", "SMTP_HOST", "SMTP_PORT"),
    *("SMTP_USER", "SMTP_PASSWORD", "ALERT_EMAIL_FROM", "ALERT_EMAIL_TO"),
)
"""Variables by which code under test would reach real people."""
