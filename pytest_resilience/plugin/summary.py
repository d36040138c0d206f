"""What the terminal shows at the end: coverage, what was found, and with the checklist the verdict of each item."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_resilience.plugin.suite import LATE
from pytest_resilience.report.printable import printable

if TYPE_CHECKING:
    from pytest_resilience.report.model import Report

MOST_CHANGED = 3
MOST_FOUND = 5


def write_summary(
    terminal: Any, report: Report, *, asked: bool, folder: Path | None, changed: Sequence[str]
) -> None:
    """Write the summary below pytest's own.

    Args:
        terminal: pytest's.
        report: without secrets.
        asked: whether the checklist was asked for.
        folder: where the report is; none if it could not be written.
        changed: files that differ from the commit.
    """
    terminal.section("resilience")
    if asked:
        from pytest_resilience.report.terminal import render_text

        width = terminal.config.get_terminal_writer().fullwidth

        terminal.write_line(render_text(report, width=width, color=terminal.hasmarkup))
    else:
        _write_coverage(terminal, report)
    if folder is not None:
        _write_where(terminal, report, folder)
    if asked and report.shard is None and report.dirty is not False:
        from pytest_resilience.report.git import why_no_commit

        why = _differences(changed) if report.commit else why_no_commit(terminal.config.rootpath)
        terminal.write_line(f"no attestation: {why}")
    if os.environ.get("GITHUB_ACTIONS") == "true" and asked:
        from pytest_resilience.report.git import below_root
        from pytest_resilience.report.github import workflow_commands

        terminal.write_line(workflow_commands(report, prefix=below_root(terminal.config.rootpath)))


def _differences(changed: Sequence[str]) -> str:
    more = f" and {len(changed) - MOST_CHANGED} more" if len(changed) > MOST_CHANGED else ""
    named = f": {', '.join(map(printable, changed[:MOST_CHANGED]))}{more}" if changed else ""
    return f"files differ from the commit, see git status{named}"


def _write_where(terminal: Any, report: Report, folder: Path) -> None:
    for found in report.found[:MOST_FOUND]:
        terminal.write_line(f"found: {found.replay}")
    if len(report.found) > MOST_FOUND:
        terminal.write_line(f"found: {len(report.found) - MOST_FOUND} more, in {folder / 'found'}")
    terminal.write_line(f"report: {os.path.relpath(folder / 'index.html')}")


def _write_coverage(terminal: Any, report: Report) -> None:
    points = report.coverage
    if points.points:
        from pytest_resilience.report.terminal import tried_of

        terminal.write_line(f"fault points: {points.points}, {tried_of(points)}")
    late = sum(LATE in str(each.longrepr) for each in terminal.stats.get("skipped", ()))
    if late:
        terminal.write_line(f"no time left: {late} experiments were {LATE}")
    for note in report.notes:
        terminal.write_line(note)
    words = [scenario.verdict for scenario in report.scenarios]
    if words:
        counts = ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))
        terminal.write_line(f"scenarios: {counts}")
