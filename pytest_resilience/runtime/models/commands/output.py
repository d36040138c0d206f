"""How the commands about models take their common arguments, and print what they found."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

from pytest_resilience.runtime.deployment import DEADLINE

NOT_DONE = 1
"""Exit status where what was wanted is not in charge."""


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that all of them have."""
    parser.add_argument("model", metavar="MODEL", help="the registered model")
    parser.add_argument(
        "--tracking-uri", metavar="URI", help="the MLflow server; default: MLFLOW_TRACKING_URI"
    )
    parser.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=_seconds,
        default=DEADLINE,
        help="the time for all of it, rolling back included; default: %(default)g",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def add_change_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of those that change who is in charge."""
    parser.add_argument(
        "--scheme",
        choices=("auto", "aliases", "stages"),
        default="auto",
        help="how the registry says who is in charge: aliases (champion), stages (Production) of older servers, or "
        "auto (the default): stages where a version is in one and there is no champion",
    )
    parser.add_argument("--why", metavar="TEXT", help="the reason, for the ledger")
    parser.add_argument("--dry-run", action="store_true", help="check and tell, and change nothing")


def _seconds(text: str) -> float:
    value = float(text)
    if not (0 < value < math.inf):
        raise argparse.ArgumentTypeError(f"must be more than 0 seconds, not {text}")
    return value


def show(arguments: argparse.Namespace, facts: Mapping[str, Any], *lines: str | None) -> None:
    """Print the facts as JSON, or the lines that there are, as the user wants it."""
    text = json.dumps(facts, indent=2) if arguments.json else "\n".join(filter(None, lines))
    sys.stdout.write(text + "\n")
