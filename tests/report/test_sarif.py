"""report.sarif: what code scanning takes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from jsonschema import Draft202012Validator

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.report.judged import judged
from pytest_resilience.report.sarif import to_sarif

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
RULES = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {"properties": {"driver": {
                        "required": ["name", "rules"],
                        "properties": {"rules": {"uniqueItems": True, "items": {
                            "required": ["id", "shortDescription", "fullDescription", "help"],
                            "properties": {"shortDescription": TEXT, "fullDescription": TEXT, "help": TEXT},
                        }}},
                    }}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"items": {
                        "required": ["ruleId", "message", "locations", "partialFingerprints"],
                        "properties": {
                            "kind": {"const": "fail"},
                            "level": {"enum": ["error", "warning", "note"]},
                            "message": TEXT,
                            "locations": {"minItems": 1, "items": {
                                "required": ["physicalLocation"],
                                "properties": {"physicalLocation": {"required": ["artifactLocation"], "properties": {
                                    "artifactLocation": {"properties": {"uri": {"pattern": "^[^\\s\\\\]+$"}}},
                                    "region": {"properties": {"startLine": {"type": "integer", "minimum": 1}}},
                                }}},
                            }},
                            "partialFingerprints": {"additionalProperties": {"type": "string"}},
                            "suppressions": {"items": {"properties": {
                                "kind": {"enum": ["inSource", "external"]},
                                "status": {"enum": ["accepted", "underReview", "rejected"]},
                            }}},
                        },
                    }},
                },
            },
        },
    },
}  # fmt: skip
"""What of the standard, and of code scanning's own demands, a log of ours can break."""


def results(report):
    """Return the results of a report."""
    return to_sarif(report)["runs"][0]["results"]


def one(evidence):
    """Return the first result of one finding."""
    return results(judged([evidence], today=date(2026, 3, 1), started="2026-03-01T00:00:00+00:00", seed=0))


def finding(**changes):
    """Return a static failure."""
    facts = {
        "item": "backoff",
        "kind": "static",
        "subject": "a b/app.py:9",
        "outcome": "failed",
        "why": "linear",
    }
    return Evidence(**{**facts, **changes})


def test_the_log_keeps_the_rules(report, green):
    """Of a report with everything, and of one where nothing is open."""
    for each in (report, green):
        log = json.loads(json.dumps(to_sarif(each)))
        assert [error.json_path for error in Draft202012Validator(RULES).iter_errors(log)] == []
    assert results(green) == []


def test_items_are_rules(report):
    """Each result names its own."""
    rules = to_sarif(report)["runs"][0]["tool"]["driver"]["rules"]

    assert [item.id for item in ITEMS] == [rule["id"] for rule in rules]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results(report))


def test_a_static_finding_stands_at_its_line():
    """In a file of the repository, its name written as a URI."""
    found = next(each for each in one(finding()) if each["ruleId"] == "backoff")

    assert found["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/app.py"},
        "region": {"startLine": 9},
    }


def test_a_finding_of_a_run_has_a_logical_place():
    """And is shown at the declaration: code scanning refuses results without a file."""
    subject = "workload ingest / service labs:8080"
    found = next(
        each for each in one(finding(kind="dynamic", subject=subject)) if each["ruleId"] == "backoff"
    )

    assert found["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == subject
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "pyproject.toml"


def test_fingerprints_outlive_moved_lines():
    """The same finding three lines lower is the same; another one is not."""
    marks = [
        next(each for each in one(evidence) if each["ruleId"] == "backoff")["partialFingerprints"]
        for evidence in (finding(), finding(subject="a b/app.py:12"), finding(why="constant"))
    ]

    assert marks[0] == marks[1] != marks[2]


def test_waived_findings_are_suppressed(report):
    """With the reason and the people."""
    (waived,) = (each for each in results(report) if each["ruleId"] == "breakers")

    assert waived["suppressions"][0]["justification"] == "next release (ana, approved by ben)"


def test_an_item_without_evidence_is_a_result(report):
    """What was never tried must not look clean."""
    empty = judged([], today=date(2026, 3, 1), started=report.started, seed=0)

    assert len(results(empty)) == 10
    assert len(results(replace(empty, items=empty.items[:2]))) == 2
