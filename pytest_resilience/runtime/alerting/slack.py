"""The Slack channel: an incoming webhook, with Block Kit and a plain text beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.http_post import judge_answer, post_json

SIGNS = {"CRITICAL": "🔴", "HIGH": "🟠", "MEDIUM": "🟡", "LOW": "🔵"}
MAX_HEADER = 150
MAX_SECTION = 3_000
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """Post to one webhook.

    Args:
        url: the webhook's URL, which is a secret.
    """

    url: str = field(repr=False)
    name: str = "slack"

    def send(self, alert: Alert) -> None:
        """Send one message and wait for the `ok`."""
        judge_answer(self.name, post_json(self.url, message(alert)))


def message(alert: Alert) -> dict[str, Any]:
    """Return the message as the webhook wants it."""
    title = f"{SIGNS[alert.severity]} {alert.severity} {alert.component}"
    text = alert.message.translate(_ESCAPES)
    when = datetime.fromtimestamp(alert.created, UTC).isoformat(timespec="seconds")
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title[:MAX_HEADER]}},
        _section(text or "(no message)"),
    ]
    if alert.details:
        details = json.dumps(alert.details, indent=1, ensure_ascii=False).translate(_ESCAPES)
        blocks.append(_section(f"```{details[: MAX_SECTION - 10]}```"))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"{when} · {alert.uid}"}]})
    return {"text": f"{title}: {text}"[:MAX_SECTION], "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAX_SECTION]}}
