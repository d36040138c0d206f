"""The Apprise channel: anything else that the `apprise` package can reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.alerting.alert import Alert

_KINDS = {"CRITICAL": "failure", "HIGH": "failure", "MEDIUM": "warning", "LOW": "info"}


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """Notify the services behind Apprise's URLs.

    Args:
        urls: Apprise's own notation, such as `matrix://...`; they hold secrets.
    """

    urls: tuple[str, ...] = field(repr=False)
    name: str = "apprise"

    def send(self, alert: Alert) -> None:
        """Send one notification and wait until every service has taken it."""
        try:
            from apprise import Apprise  # noqa: PLC0415 - an optional dependency
        except ImportError:
            raise FatalError(
                "Alerts by Apprise need its package: pip install 'pytest-resilience[alerts]'"
            ) from None
        notifier = Apprise()
        if not all(map(notifier.add, self.urls)):
            raise FatalError(
                "Apprise does not understand one of its URLs: see `apprise --help` for the notation."
            )
        title = f"{alert.severity} {alert.component}"
        if not notifier.notify(body=alert.message or title, title=title, notify_type=_KINDS[alert.severity]):
            raise RetryableError("Apprise could not notify all of its services")
