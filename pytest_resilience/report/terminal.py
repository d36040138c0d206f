"""The summary at the end of a run: the answer, a line for each item, and for each open one why, fix and command."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pytest_resilience.checklist.items import item
from pytest_resilience.checklist.verdict import Verdict
from pytest_resilience.report.answer import answer, stopping, unjudged
from pytest_resilience.report.model import Coverage, Report
from pytest_resilience.report.printable import printable

_COLORS = {"passed": "32", "failed": "1;31", "unproven": "33", "waived": "36", "not-applicable": "2"}
_INDENT = 6


def render_text(report: Report, *, width: int = 80, color: bool = False) -> str:
    """Return the summary, with a newline at its end.

    Args:
        report: without secrets already.
        width: columns; only commands to copy are longer.
        color: use ANSI colours.
    """
    lines = [*textwrap.wrap(printable(answer(report)), max(width, 40)), ""]
    lines += [f"{'#':>2}  {'item':<16}  {'verdict':<14}  evidence"]
    said: dict[tuple[str, str, str], str] = {}
    for verdict in report.items:
        lines.append(_row(verdict, color=color))
        key = (verdict.why, verdict.fix, verdict.replay)
        if verdict.word in {"failed", "unproven"} and len(verdict.why) > width and key in said:
            lines += _wrapped("why", f"the same as for {said[key]}", max(width, 40))
        else:
            said[key] = verdict.item
            lines += _details(verdict, max(width, 40))
    lines += ["", *_scenarios(report), *_notes(report, max(width, 40)), _gate_line(report, color=color)]
    return "\n".join(lines) + "\n"


def _row(verdict: Verdict, *, color: bool) -> str:
    known = item(verdict.item)
    word = _painted(f"{verdict.word:<14}", verdict.word, color=color)
    warnings = sum(len(each.warnings) for each in verdict.evidence)
    more = f", {_count(warnings, 'warning')}" if warnings else ""
    return f"{known.number:>2}  {known.id:<16}  {word}  {len(verdict.evidence)}{more}"


def _details(verdict: Verdict, width: int) -> Iterator[str]:
    if verdict.word == "passed":
        yield from _warned(verdict, width)
        return
    others = sum(each.outcome in {"failed", "unproven"} for each in verdict.evidence) - 1
    more = f" (and {others} more)" if others > 0 else ""
    yield from _wrapped("why", printable(verdict.why) + more, width)
    yield from _wrapped("fix", printable(verdict.fix), width)
    for note in verdict.waivers:
        text = f"{note.reason} ({note.owner}, approved by {note.approver}, until {note.expires})"
        yield from _wrapped("waiver", printable(text), width)
    if verdict.replay:
        yield f"{'':{_INDENT}}run   {printable(verdict.replay)}"


def _warned(verdict: Verdict, width: int) -> list[str]:
    """Return the first warning of an item that is passed, and how many more there are."""
    warnings = list(dict.fromkeys(text for each in verdict.evidence for text in each.warnings))
    more = f" (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
    return _wrapped("warns", printable(warnings[0]) + more, width) if warnings else []


def _wrapped(name: str, text: str, width: int) -> list[str]:
    if not text:
        return []
    first = f"{'':{_INDENT}}{name:<6}" if len(name) < 6 else f"{'':{_INDENT}}{name} "
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=" " * (_INDENT + 6), break_on_hyphens=False
    )


def _scenarios(report: Report) -> Iterator[str]:
    for scenario in report.scenarios:
        if scenario.verdict in {"failed", "unproven"}:
            yield f"scenario {printable(scenario.id)} {scenario.verdict}: {printable(scenario.why or 'no reason')}"
    points = report.coverage
    if points.points:
        yield f"fault points: {points.points}, {tried_of(points)}"


def tried_of(points: Coverage) -> str:
    """Return how many fault points were tried, or that what was tried is no fault at one of them."""
    if not points.exercised:
        return "none exercised: what was tried, if anything, fails a service as a whole, or is no fault at a message"
    return f"{points.exercised} exercised, {points.survived} survived"


def _notes(report: Report, width: int) -> Iterator[str]:
    if report.time_scale != 1:
        yield f"waits ran {report.time_scale:g} times faster; durations are the workload's"
    for unused in report.unused_waivers:
        yield from textwrap.wrap(f"unused: {printable(unused)}; remove it", width)
    for note in report.notes:
        yield from textwrap.wrap(printable(note), width)


def _gate_line(report: Report, *, color: bool) -> str:
    gate = report.gate
    if not gate.asked:
        return "resilience gate: not judged, the checklist was not asked for (--checklist)"
    if gate.deferred and report.shard is not None:
        shard = report.shard
        return f"resilience gate: deferred, this is shard {shard.index} of {shard.count}; join all with merge"
    if gate.passed:
        return f"resilience gate: {_painted('passed', 'passed', color=color)}"
    word = _painted("FAILED", "failed", color=color)
    waits = " (mode warn: the run goes on)" if gate.mode == "warn" else ""
    stops, open_ones = stopping(report), unjudged(report)
    stop = "would stop" if gate.mode == "warn" else "stops" if len(stops) == 1 else "stop"
    about = [f"{len(stops)} of 10 items {stop} the deploy"] if stops else []
    about += [f"{len(open_ones)} not judged"] if open_ones else []
    return f"resilience gate: {word}, {', '.join(about) or printable(gate.why[0])}{waits}"


def _painted(text: str, word: str, *, color: bool) -> str:
    return f"\x1b[{_COLORS[word]}m{text}\x1b[0m" if color else text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
