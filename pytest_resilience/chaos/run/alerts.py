"""What reached the captured alert endpoints, on the run's clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.record import AlertRecord
from pytest_resilience.services.alert_inbox import AcceptedEmail, AlertInbox


def alert_records(inbox: AlertInbox, clock: RunClock) -> tuple[AlertRecord, ...]:
    """Return what was accepted and what was rejected, in order."""
    return tuple(sorted(_records(inbox, clock), key=lambda alert: alert.at))


def _records(inbox: AlertInbox, clock: RunClock) -> Iterator[AlertRecord]:
    for webhook in (inbox.pagerduty, inbox.slack):
        for accepted in webhook:
            yield AlertRecord(
                at=clock.of_monotonic(accepted.at),
                channel=_channel(webhook.name),
                body=_mapping(accepted.body),
            )
    for email in inbox.email:
        yield AlertRecord(at=clock.of_monotonic(email.at), channel="email", body=_letter(email))
    for endpoint in (inbox.pagerduty, inbox.slack, inbox.email):
        for rejected in endpoint.rejected:
            yield AlertRecord(
                at=clock.of_monotonic(rejected.at),
                channel=_channel(endpoint.name),
                body=_mapping(rejected.body),
                rejected=f"{rejected.status}: {'; '.join(rejected.reasons)}",
            )


def _channel(name: str) -> Any:
    return name


def _mapping(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else {"text": str(body)}


def _letter(email: AcceptedEmail) -> Mapping[str, Any]:
    return {
        "subject": str(email.message["subject"] or ""),
        "from": email.sender,
        "to": list(email.recipients),
        "text": str(email.body),
    }
