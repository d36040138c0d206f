"""report.sarif: the open findings for code scanning, SARIF 2.1.0; items are rules."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from pytest_resilience.checklist.items import ITEMS, Item
from pytest_resilience.checklist.items import item as item_of
from pytest_resilience.checklist.verdict import Evidence, Outcome, Verdict
from pytest_resilience.report.declared import Declarations
from pytest_resilience.report.model import Report
from pytest_resilience.report.place import Place, place
from pytest_resilience.report.printable import sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
DECLARATION = "pyproject.toml"
"""The file that findings of runs are shown at where none is known: code scanning refuses results without one."""
_LEVELS = {"failed": "error", "unproven": "warning"}


def to_sarif(report: Report, declared: Declarations | None = None) -> dict[str, Any]:
    """Return the log.

    Args:
        report: what was judged.
        declared: the project's configuration: findings of runs are shown at what they are about.
    """
    versions = report.versions
    driver = {
        "name": "pytest-resilience",
        **({"version": versions["pytest-resilience"]} if "pytest-resilience" in versions else {}),
        "rules": [_rule(item) for item in ITEMS],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "resilience-gate/"},
        "columnKind": "unicodeCodePoints",
        "results": [result for verdict in report.items for result in _results(verdict, declared)],
        "properties": {"commit": report.commit, "seed": report.seed, "gatePassed": report.gate.passed},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": "".join(part.capitalize() for part in item.id.split("-")),
        "shortDescription": {"text": item.title},
        "fullDescription": {"text": f"{item.title}. Item {item.number} of the resilience checklist."},
        "help": {
            "text": f"Item {item.number}, {item.title}: each finding says why, what to do, and what to run."
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["resilience", "reliability"],
            "precision": "high",
            "problem.severity": "error",
        },
    }


def _results(verdict: Verdict, declared: Declarations | None) -> list[dict[str, Any]]:
    open_ones = [each for each in verdict.evidence if each.outcome in _LEVELS]
    results = [_result(verdict, each, declared) for each in open_ones]
    said = {each.why for each in open_ones}
    if verdict.word in {*_LEVELS, "waived"} and verdict.why and verdict.why not in said:
        outcome: Outcome = "failed" if verdict.word == "failed" else "unproven"
        whole = Evidence(
            item=verdict.item,
            kind="dynamic",
            subject=verdict.item,
            outcome=outcome,
            why=verdict.why,
            fix=verdict.fix,
        )
        results.append(_result(verdict, whole, declared))
    return results


def _result(verdict: Verdict, evidence: Evidence, declared: Declarations | None) -> dict[str, Any]:
    number = item_of(evidence.item).number
    result = {
        "ruleId": evidence.item,
        "ruleIndex": number - 1,
        "kind": "fail",
        "level": _LEVELS[evidence.outcome],
        "message": {"text": _message(evidence)},
        "locations": [_location(evidence, declared)],
        "partialFingerprints": {"resilienceFinding/v1": _fingerprint(evidence)},
        "properties": {
            "outcome": evidence.outcome,
            "evidence": evidence.kind,
            "replay": evidence.replay or None,
        },
    }
    if verdict.word == "waived" and verdict.waiver is not None:
        why = f"{verdict.waiver.reason} ({verdict.waiver.owner}, approved by {verdict.waiver.approver})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return result


def _message(evidence: Evidence) -> str:
    parts = [evidence.why or f"{evidence.subject}: {evidence.outcome}.", evidence.fix]
    if place(evidence) is None:
        parts.insert(0, f"{evidence.subject}:")
    said = [sentence(part) for part in parts if part]
    return " ".join([*said, f"Run: {evidence.replay}"] if evidence.replay else said)


def _location(evidence: Evidence, declared: Declarations | None) -> dict[str, Any]:
    found = place(evidence)
    prefix = "" if declared is None else declared.prefix
    if found is not None:
        return {"physicalLocation": _physical(found, prefix)}
    at = Place(DECLARATION, 1) if declared is None else declared.place_of(evidence.subject)
    return {
        "physicalLocation": _physical(at, prefix),
        "logicalLocations": [{"fullyQualifiedName": evidence.subject, "kind": "resource"}],
    }


def _physical(found: Place, prefix: str) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _uri(found.path, prefix)}, "region": {"startLine": found.line}}


def _uri(path: str, prefix: str) -> str:
    pure = PurePosixPath(path)
    return pure.as_uri() if pure.is_absolute() else quote(str(prefix / pure))


def _fingerprint(evidence: Evidence) -> str:
    """Return what stays the same when lines above are added or removed."""
    found = place(evidence)
    about = f"{found.path} {evidence.why}" if found else evidence.subject
    return hashlib.sha256(f"{evidence.item}\n{evidence.outcome}\n{about}".encode()).hexdigest()[:32]
