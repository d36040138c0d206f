"""What was read in the code is weighed against what was seen on the wire: where the wire has decided, reading warns."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_resilience.chaos.configuration.packages import own_folders
from pytest_resilience.checklist.static.report import StaticReport
from pytest_resilience.checklist.verdict import OPEN, Evidence


def weigh(
    found: Sequence[Evidence], seen: Sequence[Evidence], report: StaticReport, folder: Path
) -> Iterator[Evidence]:
    """Yield the static findings as they count beside the runs.

    A finding in code that declared workloads reach is a warning where the runs of its item have all passed: they
    have tried what it fears. In code that none of them reaches it stands as it is, for nothing was tried there.

    Args:
        found: the static findings.
        seen: what the runs say.
        report: what was read.
        folder: where its paths start.
    """
    untouched = _untouched(report, folder)
    for finding in found:
        outcomes = {each.outcome for each in seen if each.item == finding.item and each.kind == "dynamic"}
        decided = "passed" in outcomes and not outcomes & OPEN
        decided = decided or outcomes == {"not-applicable"}
        if decided and finding.subject not in untouched:
            warning = f"{finding.subject}: {finding.why} {finding.fix}".strip()
            yield replace(finding, outcome="passed", why="", fix="", warnings=(*finding.warnings, warning))
        else:
            yield finding


def _untouched(report: StaticReport, folder: Path) -> set[str]:
    """Return the places that no declared workload leads to, as far as one can read.

    Where a method of that name is called on something somewhere, or a function of that name is handed over, a
    workload may lead there all the same: objects go through frameworks, registries and `app.state`.
    """
    places = [site.place for site in report.sites if site.state == "unreached" or not site.declared]
    groups = (report.swallowed, report.missing_timeouts, report.autocommit_writes, report.commits_between)
    places += [place for group in (*groups, report.bare_logging) for place in group if place.unreached]
    functions = {
        path: _functions_in(_tree(_text(folder / path))) for path in {place.path for place in places}
    }
    open_places = {place.subject: functions[place.path] for place in places}
    for file in _files(folder):
        wanted = set().union(*open_places.values())
        if not wanted:
            break
        text = _text(file)
        if any(name in text for name in wanted):
            called = wanted.intersection(_led_to_in(_tree(text)))
            open_places = {place: names for place, names in open_places.items() if not names & called}
    return set(open_places)


def _files(folder: Path) -> Iterator[Path]:
    for place, names in own_folders(folder):
        yield from (place / name for name in names if name.endswith(".py"))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _functions_in(tree: ast.Module) -> set[str]:
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _led_to_in(tree: ast.Module) -> Iterator[str]:
    """Yield what may be called unseen: methods of what was got from something, and functions handed over."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
            yield node.func.attr
        for handed in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(handed, ast.Name | ast.Attribute):
                yield handed.id if isinstance(handed, ast.Name) else handed.attr
