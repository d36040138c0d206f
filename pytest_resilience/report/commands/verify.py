"""Say whether a deploy may rely on an attestation: the right commit, passed, and not too old."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_resilience.report.attestation import objections, told
from pytest_resilience.report.git import git

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_NOT_THERE = (
    "it is not there. A run of the whole checklist on a commit writes it beside report.json; a shard, changed files "
    "that are not committed, or a folder without git leave none"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument(
        "file",
        metavar="ATTESTATION",
        type=Path,
        help="the attestation.json of the run, or the folder that has it",
    )
    parser.add_argument(
        "--commit",
        metavar="SHA",
        help="the full hash of what is deployed; by default of what is checked out here",
    )
    parser.add_argument(
        "--max-age", metavar="AGE", type=_age, default=timedelta(days=7), help="12h, 7d (the default), 2w"
    )
    parser.add_argument("--strict", action="store_true", help="refuse waivers and warnings too")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict; return 0 where the deploy may go on, 1 where it must not."""
    file = arguments.file / "attestation.json" if arguments.file.is_dir() else arguments.file
    now = datetime.now(UTC)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _refused([f"{file} cannot be read: {_NOT_THERE}"])
    except (OSError, UnicodeDecodeError) as error:
        return _refused([f"{file} cannot be read: {error}"])
    commit = git(Path(), "rev-parse", "HEAD") if arguments.commit is None else arguments.commit
    if commit is None:
        return _refused(
            ["no git commit is checked out here: give --commit, the full hash of what is deployed"]
        )
    found = objections(
        text,
        commit=commit,
        max_age=arguments.max_age,
        now=now,
        strict=arguments.strict,
    )
    if found:
        return _refused([f"{file}: {reason}" for reason in found])
    sys.stdout.write(f"verified: {told(text, commit=commit, now=now)}\n")
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
