"""Show every change of charge of a model: who, when, from, to, why, and how it ended."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from pytest_resilience.runtime.deployment import deployment_ledger
from pytest_resilience.runtime.models.commands.output import add_common_arguments, show
from pytest_resilience.runtime.models.ledger import Ledger, LedgerEntry

_UNFINISHED = "the last change has not ended: it is under way, or it was cut off; then run the same again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the entries, oldest first, and return 0."""
    entries = deployment_ledger(
        arguments.model, tracking_uri=arguments.tracking_uri, deadline=arguments.deadline
    )
    unfinished = Ledger(entries).unfinished is not None
    facts = {
        "model": arguments.model,
        "entries": [asdict(entry) for entry in entries],
        "unfinished": unfinished,
    }
    lines = list(map(_line, entries)) if entries else ["no change is on record"]
    show(arguments, facts, *lines, _UNFINISHED if unfinished else None)
    return 0


def _line(entry: LedgerEntry) -> str:
    why = f": {entry.why}" if entry.why else ""
    change = f"{entry.from_version or 'none'} -> {entry.to_version}"
    return f"{entry.at}  {entry.action:8}  {change:12}  {entry.outcome:11}  {entry.who}{why}"
