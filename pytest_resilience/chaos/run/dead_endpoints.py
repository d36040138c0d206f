"""Alert endpoints that are dead for a part of a run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.services.alert_inbox import AlertInbox

Death: TypeAlias = Literal["down", "hang", "429"]
"""They refuse, never answer, or say that it was too much."""

SMTP_TOO_MUCH = 451
"""What a mail server says instead (RFC 5321, 4.2.3)."""


@dataclass(slots=True)
class DeadEndpoints:
    """All captured endpoints, dead until they heal.

    Args:
        inbox: the endpoints.
        death: how.
        clock: the run's.
    """

    inbox: AlertInbox
    death: Death
    clock: RunClock
    healed_at: float | None = None
    _faults: ExitStack = field(default_factory=ExitStack)

    def begin(self) -> None:
        """Let them die."""
        for endpoint in (self.inbox.pagerduty, self.inbox.slack, self.inbox.email):
            if self.death == "down":
                fault = endpoint.down()
            elif self.death == "hang":
                fault = endpoint.hang()
            else:
                fault = endpoint.respond(SMTP_TOO_MUCH if endpoint is self.inbox.email else 429)
            self._faults.callback(fault.heal)

    def heal(self) -> None:
        """Bring them back; safe to call twice."""
        self._faults.close()
        if self.healed_at is None:
            self.healed_at = self.clock.now()

    @property
    def delivered(self) -> bool:
        """Whether an alert was taken since."""
        return self.healed_at is not None and count(self.inbox) > 0


def count(inbox: AlertInbox) -> int:
    """Return how many alerts the endpoints were sent, those included that they refused by their own rules."""
    endpoints = (inbox.pagerduty, inbox.slack, inbox.email)
    return sum(len(endpoint) + len(endpoint.rejected) for endpoint in endpoints)
