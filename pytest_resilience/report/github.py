"""What GitHub shows of a run: a step summary in Markdown, and annotations at the lines of findings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath

from pytest_resilience.checklist.items import item
from pytest_resilience.checklist.verdict import Evidence, Verdict
from pytest_resilience.report.answer import answer
from pytest_resilience.report.model import Report
from pytest_resilience.report.place import place
from pytest_resilience.report.printable import printable, sentence

MOST_ANNOTATIONS = 10
"""Of one level in one step: GitHub drops the rest silently."""
LONGEST_SUMMARY = 1_000_000
"""Bytes: GitHub refuses a step's summary of more than 1 MiB."""
_SIGNS = {"passed": "✅", "failed": "❌", "unproven": "❓", "waived": "🟡", "not-applicable": "⚪"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~@-])")


def summary(report: Report) -> str:
    """Return the step summary."""
    lines = [f"## Resilience gate: {report.gate.word} ({_about(report)})", "", _escaped(answer(report))]
    items = report.items if report.gate.asked else ()
    if items:
        lines += ["", "| # | item | verdict | evidence | why |", "|--:|---|---|--:|---|", *map(_row, items)]
    open_ones = [verdict for verdict in items if verdict.word in {"failed", "unproven"}]
    for verdict in open_ones:
        lines += ["", f"**{item(verdict.item).number} {verdict.item}** {_escaped(verdict.fix)}"]
        if verdict.replay:
            lines += ["", *_block(verdict.replay)]
    for scenario in report.scenarios:
        if scenario.verdict in {"failed", "unproven"}:
            lines += [
                "",
                f"Scenario {_escaped(scenario.id)} {scenario.verdict}: {_escaped(scenario.why or '')}",
            ]
    points = report.coverage
    lines += [
        "",
        f"{points.survived} survived of {points.exercised} exercised of {points.points} fault points.",
    ]
    text = "\n".join(lines) + "\n\n"
    return text.encode()[:LONGEST_SUMMARY].decode(errors="ignore")


def _about(report: Report) -> str:
    """Return what tells this run from others: the commit, the minute and the mode."""
    dirty = ", dirty" if report.dirty else ""
    commit = f"commit {_escaped(report.commit[:12])}{dirty}" if report.commit else "no commit"
    return f"{commit}, {_minute(report.started)}, mode {report.gate.mode}"


def _minute(started: str) -> str:
    try:
        return datetime.fromisoformat(started).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return _escaped(started)


def workflow_commands(report: Report, *, prefix: str = "") -> str:
    """Return workflow commands, one a line; empty where nothing is open, or nothing was asked.

    Args:
        report: what was judged.
        prefix: what comes before a path of the project in its repository, as in `svc/`.
    """
    if not report.gate.asked:
        return ""
    level = "error" if report.gate.mode == "gate" and not report.gate.deferred else "warning"
    open_ones = [
        each
        for verdict in report.items
        if verdict.word in {"failed", "unproven"}
        for each in sorted(_open(verdict), key=lambda each: each.outcome)
    ]
    open_ones.sort(key=lambda each: place(each) is None)  # those at a line of code first
    lines = [_command(level, each, prefix) for each in open_ones[:MOST_ANNOTATIONS]]
    lines += [
        f"::warning title=resilience::{_data(f'{unused} is unused: remove it')}"
        for unused in report.unused_waivers
    ]
    return "".join(f"{line}\n" for line in lines)


def write_summary(report: Report, environment: Mapping[str, str]) -> bool:
    """Append the summary to the file that GitHub names, and say whether there is one."""
    path = environment.get("GITHUB_STEP_SUMMARY")
    if not path:
        return False
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(summary(report))
    except OSError:  # the verdict does not hang on it
        return False
    return True


def _open(verdict: Verdict) -> Iterator[Evidence]:
    open_ones = [each for each in verdict.evidence if each.outcome in {"failed", "unproven"}]
    yield from open_ones
    if verdict.why and verdict.why not in {each.why for each in open_ones}:
        yield Evidence(
            item=verdict.item,
            kind="dynamic",
            subject="",
            outcome="unproven",
            why=verdict.why,
            fix=verdict.fix,
        )


def _command(level: str, evidence: Evidence, prefix: str) -> str:
    found = place(evidence)
    where = f"file={_property(str(prefix / PurePosixPath(found.path)))},line={found.line}," if found else ""
    title = _property(f"resilience {item(evidence.item).number} {evidence.item}")
    subject = f"{evidence.subject}: " if evidence.subject and not found else ""
    said = " ".join(sentence(each) for each in (f"{subject}{evidence.why}", evidence.fix) if each)
    return f"::{level} {where}title={title}::{_data(said)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _row(verdict: Verdict) -> str:
    known = item(verdict.item)
    sign = _SIGNS[verdict.word]
    warned = sum(bool(each.warnings) for each in verdict.evidence)
    count = f"{len(verdict.evidence)}, {warned} with warnings" if warned else len(verdict.evidence)
    cells = (known.number, known.id, f"{sign} {verdict.word}", count, _escaped(verdict.why))
    return f"| {' | '.join(map(str, cells))} |"


def _escaped(text: str) -> str:
    """Return text that Markdown and HTML show as it is."""
    return _MARKDOWN.sub(r"\\\1", html.escape(printable(text), quote=False))


def _block(command: str) -> list[str]:
    ticks = max((len(run) for run in re.findall("`+", command)), default=0)
    fence = "`" * max(3, ticks + 1)
    return [f"{fence}console", printable(command), fence]
