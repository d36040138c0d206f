"""Say whether a deploy may rely on an attestation: the right commit, passed, and not too old."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_resilience.report.attestation import objections

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument("file", metavar="ATTESTATION", type=Path, help="the attestation.json of the run")
    parser.add_argument("--commit", metavar="SHA", required=True, help="the full hash of what is deployed")
    parser.add_argument(
        "--max-age", metavar="AGE", type=_age, default=timedelta(days=7), help="12h, 7d (the default), 2w"
    )
    parser.add_argument("--strict", action="store_true", help="refuse waivers and warnings too")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict; return 0 where the deploy may go on, 1 where it must not."""
    try:
        text = arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return _refused([f"{arguments.file} cannot be read: {error}"])
    found = objections(
        text,
        commit=arguments.commit,
        max_age=arguments.max_age,
        now=datetime.now(UTC),
        strict=arguments.strict,
    )
    if found:
        return _refused([f"{arguments.file}: {reason}" for reason in found])
    sys.stdout.write(f"verified: the gate passed for commit {arguments.commit.strip().lower()}\n")
    return 0


def _refused(reasons: list[str]) -> int:
    sys.stderr.write("".join(f"refused: {reason}\n" for reason in reasons))
    return 1


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write 90m, 12h, 7d or 2w")
    try:
        return timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        raise argparse.ArgumentTypeError(f"{text!r} is too long") from None
