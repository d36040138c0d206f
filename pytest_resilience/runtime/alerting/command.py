"""Say where an alert of this severity and component would go, and whether that channel is configured."""

from __future__ import annotations

import argparse
import sys

from pytest_resilience.errors import Severity
from pytest_resilience.runtime.alerting.configuration import from_environment
from pytest_resilience.runtime.alerting.router import AlertRouter

NEEDED = {
    "pagerduty": "set PAGERDUTY_ROUTING_KEY",
    "slack": "set SLACK_WEBHOOK_URL",
    "email": "set SMTP_HOST and ALERT_EMAIL_TO",
    "apprise": "pass AppriseChannel(...) to AlertRouter(channels=...)",
}
"""What each channel lacks where it is not configured."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument("severity", metavar="SEVERITY", type=_severity, help=", ".join(Severity))
    parser.add_argument("component", metavar="COMPONENT", help="database, ml_model, data_pipeline, api, ...")
    parser.add_argument("--rules", metavar="FILE.toml", help="routing rules to add to the policy's table")


def run(arguments: argparse.Namespace) -> int:
    """Print the channels, one a line, and return 0."""
    router = AlertRouter(rules=arguments.rules, channels=[])  # without channels nothing can be sent
    names = router.channels_for(arguments.severity, arguments.component)
    configured = {channel.name for channel in from_environment().channels}
    title = f"{arguments.severity}/{arguments.component}"
    lines = [
        f"{title} goes to {', '.join(names)}" if names else f"{title} goes to no channel: it is only logged"
    ]
    lines += [f"  {name}: {_state(name, configured)}" for name in names]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _severity(text: str) -> Severity:
    try:
        return Severity(text.upper())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(Severity)}") from None


def _state(name: str, configured: set[str]) -> str:
    if name == "file" or name in configured:
        return "configured"
    return f"not configured, another channel or the local file takes over; {NEEDED[name]}"
