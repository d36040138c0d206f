"""report.sarif: what code scanning takes."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from datetime import date

import pytest
from jsonschema import Draft202012Validator

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.report.commands.report import FORMS
from pytest_resilience.report.declared import declarations
from pytest_resilience.report.judged import judged
from pytest_resilience.report.publish import publish
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


TABLES = """{0}
# what is declared
[{1}services.labs]
kind = "http"

[{1}workloads.ingest]
[[{1}workloads.ingest.exactly_once]]
[{1}workloads."score card"]
"""


@pytest.mark.parametrize(
    ("name", "prefix"), [("resilience.toml", ""), ("pyproject.toml", "tool.resilience.")]
)
@pytest.mark.parametrize(
    ("subject", "line"),
    [
        ("workload ingest / service labs", 6),
        ("workload ingest", 6),
        ("workload score card / service labs / control: hang", 8),
        ("service labs", 3),
        ("backoff", 1),
    ],
)
def test_a_finding_of_a_run_stands_at_its_declaration(tmp_path, report, name, prefix, subject, line):
    """In the file that the project has, at the table of the workload or service."""
    first = "[tool.resilience]" if prefix else 'packages = ["app"]'
    (tmp_path / name).write_text(TABLES.format(first, prefix), encoding="utf-8")
    (tmp_path / "part").mkdir()
    found = declarations(report, tmp_path / "part")

    assert (found.place_of(subject).path, found.place_of(subject).line) == (name, line)


def test_findings_of_scenarios_and_tests_stand_in_their_files(tmp_path, report):
    """Wherever the project keeps them; one that is gone stands at the declaration."""
    (tmp_path / "resilience.toml").write_text('scenarios = "faults"\n', encoding="utf-8")
    for path in ("faults/db/lost.yaml", "tests/test_a.py"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    found = declarations(report, tmp_path)

    assert found.place_of("scenario db/lost.yaml").path == "faults/db/lost.yaml"
    assert found.place_of("test tests/test_a.py::test_b[1]").path == "tests/test_a.py"
    assert found.place_of("scenario db/gone.yaml").path == "resilience.toml"


def test_the_digest_tells_which_file_was_read(tmp_path, report):
    """Where a folder above has one too; a file that has changed since is better than none."""
    (tmp_path / "resilience.toml").write_text("seed", encoding="utf-8")
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "pyproject.toml").write_text("[tool.resilience]\n", encoding="utf-8")
    read = replace(report, configuration=hashlib.sha256(b"seed").hexdigest())

    assert declarations(read, tmp_path / "part").file == tmp_path / "resilience.toml"
    assert declarations(report, tmp_path / "part").file.name == "pyproject.toml"


def test_the_written_log_names_the_configuration(tmp_path, report):
    """Of the project that the report's folder is in; nobody has to say where that is."""
    (tmp_path / "resilience.toml").write_text("[workloads.ingest]\n", encoding="utf-8")
    publish(report, tmp_path / "out", environment={})
    log = json.loads((tmp_path / "out" / "report.sarif").read_text(encoding="utf-8"))
    files = {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for each in log["runs"][0]["results"]
    }

    assert files == {"resilience.toml", "icu_platform/labs.py"}


def test_in_a_part_of_a_repository_paths_begin_at_its_root(tmp_path, report, monkeypatch):
    """Code scanning and annotations look at the whole of it."""
    project = tmp_path / "svc"
    project.mkdir()
    (project / "resilience.toml").write_text("[workloads.ingest]\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # noqa: S607 - whichever git there is
    files = {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for each in to_sarif(report, declarations(report, project))["runs"][0]["results"]
    }
    monkeypatch.chdir(project)

    assert files == {"svc/resilience.toml", "svc/icu_platform/labs.py"}
    assert "::error file=svc/icu_platform/labs.py,line=" in FORMS["github"](report)


def test_a_message_is_of_sentences():
    """Why, fix and command run into each other else."""
    (found, *_) = (
        each for each in one(finding(fix="double it", replay="pytest x")) if each["ruleId"] == "backoff"
    )

    assert found["message"]["text"] == "linear. double it. Run: pytest x"


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
