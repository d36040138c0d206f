"""What a report comes to in one word, and which of its parts passed, warned or failed."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pytest_resilience.checklist.verdict import Verdict
from pytest_resilience.report.model import Report

Result: TypeAlias = Literal["PASSED", "WARNED", "FAILED"]


def result(report: Report) -> Result:
    """Return `FAILED` where the gate, a scenario or a test failed; `WARNED` where waivers or warnings are left."""
    tests = report.tests
    if not report.gate.passed or names(report, "FAILED") or tests.get("failed") or tests.get("error"):
        return "FAILED"
    return "WARNED" if names(report, "WARNED") else "PASSED"


def names(report: Report, of: Result) -> list[str]:
    """Return the items, and the scenarios as `scenario:<id>`, of one result; what does not apply is in none."""
    items = [verdict.item for verdict in report.items if _of_item(verdict) == of]
    words = {"passed": "PASSED", "failed": "FAILED", "unproven": "FAILED"}
    return items + [f"scenario:{each.id}" for each in report.scenarios if words.get(each.verdict) == of]


def _of_item(verdict: Verdict) -> Result | None:
    if verdict.word == "not-applicable":
        return None
    if verdict.word in {"failed", "unproven"}:
        return "FAILED"
    warned = verdict.word == "waived" or any(each.warnings for each in verdict.evidence)
    return "WARNED" if warned else "PASSED"
