"""Join the reports of all shards of a run, and judge them together."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pytest_resilience.report.git import below_root
from pytest_resilience.report.github import workflow_commands
from pytest_resilience.report.json_form import ReportError, read_report
from pytest_resilience.report.merge import merged
from pytest_resilience.report.model import Report
from pytest_resilience.report.publish import NotWrittenError, publish
from pytest_resilience.report.terminal import render_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument(
        "folders", metavar="DIR", nargs="+", type=Path, help="the report folders of the shards"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("resilience-report"),
        help="default: resilience-report",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the joined report, print its summary, and return 1 where the gate fails."""
    _refuse_twice(arguments.folders)
    shards = {str(folder): read_report(folder) for folder in arguments.folders}
    try:
        report = publish(merged(shards, today=datetime.now(UTC).date()), arguments.out)
    except NotWrittenError as error:
        _show(error.report)
        raise
    _show(report)
    return 1 if report.gate.mode == "gate" and not report.gate.passed else 0


def _show(report: Report) -> None:
    width = shutil.get_terminal_size().columns
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    sys.stdout.write(render_text(report, width=width, color=color))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.write(workflow_commands(report, prefix=below_root(Path.cwd())))


def _refuse_twice(folders: Sequence[Path]) -> None:
    """Refuse a shard that is named twice: somebody meant another one, which would be missing."""
    twice = [str(path) for path, count in Counter(map(_folder, folders)).items() if count > 1]
    if twice:
        raise ReportError(f"{', '.join(twice)} is given more than once: name the folder of each shard once")


def _folder(path: Path) -> Path:
    return path.parent if path.name == "report.json" else path
