"""report.json: what the schema promises, written and read without a loss."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.report.json_form import ReportError, from_json, read_report, to_json, to_text
from pytest_resilience.report.model import Shard

SCHEMA = json.loads(files("pytest_resilience.report").joinpath("schema.json").read_text(encoding="utf-8"))


def wrong_places(data):
    """Return where the schema is not kept."""
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(data)]


def test_the_schema_is_a_schema():
    """Of draft 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["report", "green"])
def test_a_report_keeps_the_schema(name, request):
    """Every verdict, kind of evidence and mark occurs in one of them."""
    assert wrong_places(json.loads(to_text(request.getfixturevalue(name)))) == []


def test_the_schema_refuses(report):
    """Else it would promise nothing."""
    data = to_json(report)
    data["items"][0]["verdict"] = "green"
    del data["seed"]

    assert wrong_places(data) == ["$", "$.items[0].verdict"]


def test_the_schema_names_every_key(report):
    """A key that it does not describe would be a secret."""
    data = to_json(report)
    described = SCHEMA["properties"]

    assert set(data) == set(described)
    assert set(data["items"][0]) == set(SCHEMA["$defs"]["item"]["properties"])
    assert set(data["runs"][0]) == set(SCHEMA["$defs"]["run"]["properties"])
    assert set(data["items"][1]["evidence"][0]) == set(SCHEMA["$defs"]["evidence"]["properties"])
    assert [item.id for item in ITEMS] == SCHEMA["$defs"]["itemId"]["enum"]


def test_every_verdict_occurs(report):
    """So that the tests that use this report see each."""
    words = {verdict.word for verdict in report.items}

    assert words == {"passed", "failed", "unproven", "waived", "not-applicable"}


def test_nothing_is_lost(report):
    """Read again it is the same report, also as a shard."""
    shard = replace(report, shard=Shard(index=1, count=3))

    assert from_json(json.loads(to_text(report))) == report
    assert from_json(json.loads(to_text(shard))) == shard


def test_keys_of_tomorrow_are_passed_over(report):
    """A report of a later version can be read."""
    data = json.loads(to_text(report))
    data["weather"] = data["items"][0]["mood"] = "fine"

    assert from_json(data) == report


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("schema", "pytest-resilience/report/9", "its schema is 'pytest-resilience/report/9'"),
        ("seed", "7", r"\$\.seed is '7': expected int"),
        ("seed", True, r"\$\.seed is True: expected int"),
        ("gate", [], r"\$\.gate is \[\]: expected an object"),
        ("gate", {}, r"\$\.gate\.passed is missing"),
        ("items", [{"id": "retries"}], "retries"),
        (
            "items",
            [{"id": "backoff", "verdict": "green"}],
            r"\$\.items\[0\]\.word is 'green': expected one of passed",
        ),
        ("waivers", [{"expires": "soon"}], r"\$\.waivers\[0\]"),
        ("coverage", {"points": "many"}, r"\$\.coverage\.points is 'many': expected int"),
    ],
)
def test_a_damaged_report_is_refused(report, key, value, expected):
    """With the place."""
    data = {**to_json(report), key: value}

    with pytest.raises(ReportError, match=expected):
        from_json(data)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "cannot be read"),
        ("[1]", "its schema is 'list'"),
        ("[" * 100_000, "cannot be read"),
        ("null", "no report"),
    ],
)
def test_a_file_that_is_no_report_is_refused(tmp_path, content, expected):
    """With its name."""
    file = tmp_path / "report.json"
    file.write_text(content)

    with pytest.raises(ReportError, match=rf"report\.json.*{expected}"):
        read_report(tmp_path)


def test_a_missing_report_is_refused(tmp_path):
    """With what to name instead."""
    with pytest.raises(ReportError, match=r"name a report\.json, or the folder that has one"):
        read_report(tmp_path / "none")
