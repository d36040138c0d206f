"""Which channels there are and where the outbox is: from the environment, by the names of the contract."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.runtime.alerting.channel import Channel
from pytest_resilience.runtime.alerting.email import EmailChannel
from pytest_resilience.runtime.alerting.pagerduty import EVENTS_URL, PagerDutyChannel
from pytest_resilience.runtime.alerting.slack import SlackChannel

ENVIRONMENT = (
    *(
        "PAGERDUTY_ROUTING_KEY",
        "PAGERDUTY_EVENTS_URL",
        "SLACK_WEBHOOK_URL",
        "SMTP_HOST",
        "SMTP_PORT",
        "SMTP_USER",
    ),
    *("SMTP_PASSWORD", "ALERT_EMAIL_FROM", "ALERT_EMAIL_TO", "RESILIENCE_OUTBOX"),
)
"""Every variable that is read here."""

_NOT_TARGETS = ("SMTP_PASSWORD", "RESILIENCE_OUTBOX")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What alerts are sent to, and the file that keeps them until then.

    Args:
        channels: what is configured.
        outbox: the SQLite file; the alert file of last resort stands beside it.
    """

    channels: tuple[Channel, ...]
    outbox: Path

    @property
    def alert_file(self) -> Path:
        """The file of last resort."""
        return self.outbox.with_suffix(".alerts.jsonl")


def from_environment(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return the configuration that the environment describes; a channel that lacks something is left out."""
    outbox = environment.get("RESILIENCE_OUTBOX")
    found = (_pagerduty(environment), _slack(environment), _email(environment))
    channels = tuple(channel for channel in found if channel is not None)
    return Configuration(channels, Path(outbox) if outbox else default_outbox(environment))


def default_outbox(environment: Mapping[str, str]) -> Path:
    """Return a file that the same application finds again after a restart, and no other application.

    An application is its working folder and what its alerts are sent to: what waits for one team's webhook must not
    be sent to another's.
    """
    targets = (environment.get(name, "") for name in ENVIRONMENT if name not in _NOT_TARGETS)
    identity = "\0".join((_working_folder(), *targets))
    folder = hashlib.sha256(os.fsencode(identity)).hexdigest()[:16]
    return _state_folder(environment) / folder / "outbox.sqlite3"


def _state_folder(environment: Mapping[str, str]) -> Path:
    home = environment.get("HOME", "")
    state = environment.get("XDG_STATE_HOME") or (f"{home}/.local/state" if os.access(home, os.W_OK) else "")
    if state:
        return Path(state, "pytest-resilience")
    try:
        return _shared_folder(Path(tempfile.gettempdir(), f"pytest-resilience-{os.getuid()}"))
    except OSError:
        return Path(os.devnull)  # nothing can be written anywhere, nor below this: alerts are kept in memory


def _shared_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()  # anybody may have made something of this name there
    private = found.st_uid == os.getuid() and found.st_mode == stat.S_IFDIR | 0o700
    return folder if private else Path(tempfile.mkdtemp(prefix="pytest-resilience-"))


def _pagerduty(environment: Mapping[str, str]) -> Channel | None:
    key = environment.get("PAGERDUTY_ROUTING_KEY")
    return PagerDutyChannel(key, environment.get("PAGERDUTY_EVENTS_URL") or EVENTS_URL) if key else None


def _slack(environment: Mapping[str, str]) -> Channel | None:
    url = environment.get("SLACK_WEBHOOK_URL")
    return SlackChannel(url) if url else None


def _email(environment: Mapping[str, str]) -> Channel | None:
    host = environment.get("SMTP_HOST")
    recipients = tuple(
        part.strip() for part in environment.get("ALERT_EMAIL_TO", "").split(",") if part.strip()
    )
    if not host or not recipients:
        return None
    port = environment.get("SMTP_PORT", "")
    return EmailChannel(
        host=host,
        port=int(port) if port.isdecimal() else 25,
        recipients=recipients,
        sender=environment.get("ALERT_EMAIL_FROM")
        or f"pytest-resilience@{socket.gethostname() or 'localhost'}",
        user=environment.get("SMTP_USER") or None,
        password=environment.get("SMTP_PASSWORD"),
    )


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "/"  # it was removed under us; the root is as stable as anything
