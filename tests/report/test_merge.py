"""Shards: kept apart they judge nothing, joined they are judged as one run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from pytest_resilience.__main__ import main
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.waivers import Waiver
from pytest_resilience.report.json_form import ReportError, read_report, to_text
from pytest_resilience.report.judged import evidence_of, judged
from pytest_resilience.report.merge import merged
from pytest_resilience.report.model import Coverage, Gate, Shard

TODAY = date(2026, 3, 1)
PLAIN = {"waivers": (), "left_out": {}, "scenarios": (), "found": (), "tests": {"passed": 2}}


@pytest.fixture
def shards(facts):
    """Three shards; each has evidence for every third item, and the same static finding."""

    def make(index):
        found = [
            Evidence(item=item.id, kind="dynamic", subject=f"shard {index}", outcome="passed")
            for item in ITEMS
            if item.number % 3 == index - 1
        ]
        read = Evidence(item="backoff", kind="static", subject="app.py:3", outcome="passed")
        coverage = Coverage(points=10 * index, exercised=9, survived=8)
        shard = Shard(index=index, count=3)
        return judged([*found, read], today=TODAY, **{**facts, **PLAIN, "coverage": coverage, "shard": shard})

    return {f"shard-{index}": make(index) for index in (1, 2, 3)}


def test_a_shard_is_not_judged(shards):
    """It keeps its evidence, and passes no gate, even where nothing is open."""
    gates = [report.gate for report in shards.values()]

    assert [(gate.passed, gate.deferred) for gate in gates] == [(False, True)] * 3


def test_together_they_are_judged(shards):
    """All evidence counts, what all of them saw counts once."""
    report = merged(shards, today=TODAY)

    assert report.gate == Gate(passed=True)
    assert len(evidence_of(report)) == 11
    assert report.coverage == Coverage(points=30, exercised=27, survived=24)
    assert (report.shard, report.tests) == (None, {"passed": 6})


def test_the_order_of_the_folders_says_nothing(shards):
    """Joined in any order it is the same report."""
    assert merged(dict(reversed(shards.items())), today=TODAY) == merged(shards, today=TODAY)


def test_what_a_shard_left_to_others_is_no_reason(shards):
    """Only what ran in none of them is unproven."""
    ids = {1: ("b", "c", "x"), 2: ("a", "c", "x"), 3: ("a", "b", "x")}
    reports = {
        name: replace(
            report, not_run={"alerts": ids[report.shard.index]}, left_out={"alerts": ("other shards",)}
        )
        for name, report in shards.items()
    }
    report = merged(reports, today=TODAY)

    assert {verdict.item: verdict.why for verdict in report.items if verdict.word == "unproven"} == {
        "alerts": "x ran in no shard"
    }
    assert report.not_run == {"alerts": ("x",)}


def test_an_interrupted_shard_proves_nothing(shards):
    """It may not know what its part was: what it has not run is in no list."""
    why = ("the test run was interrupted before anybody could say which experiments there are",)
    reports = {
        "shard-1": replace(shards["shard-1"], left_out={item.id: why for item in ITEMS}),
        "shard-2": replace(
            shards["shard-2"], not_run={"alerts": ("a", "c")}, left_out={"alerts": ("others",)}
        ),
        "shard-3": replace(
            shards["shard-3"], not_run={"alerts": ("a", "b")}, left_out={"alerts": ("others",)}
        ),
    }
    report = merged(reports, today=TODAY)

    assert {verdict.word for verdict in report.items} == {"unproven"}
    assert {verdict.why for verdict in report.items} == {"shard 1/3 was interrupted"}


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_shard_leaves_all_unproven(shards, missing):
    """And is named."""
    del shards[f"shard-{missing}"]
    report = merged(shards, today=TODAY)

    assert not report.gate.passed
    assert {verdict.word for verdict in report.items} == {"unproven"}
    assert {verdict.why for verdict in report.items} == {f"the report of shard {missing}/3 is missing"}


def test_one_failure_fails(shards):
    """In whichever shard it was seen."""
    bad = Evidence(item="alerts", kind="dynamic", subject="shard 1", outcome="failed", why="no alert")
    third = shards["shard-3"]
    items = tuple(
        replace(each, evidence=(*each.evidence, bad)) if each.item == "alerts" else each
        for each in third.items
    )
    report = merged({**shards, "shard-3": replace(third, items=items)}, today=TODAY)

    assert [verdict.item for verdict in report.items if verdict.word == "failed"] == ["alerts"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"commit": "0" * 40}, "commit differs: shard-1 has 8f14e45"),
        ({"dirty": True}, "dirty differs"),
        ({"seed": 8}, "seed differs"),
        ({"configuration": "sha256:cd"}, "configuration differs"),
        ({"shard": Shard(index=1, count=3)}, "shard 1 is there 2 times: shard-1, shard-2"),
        ({"shard": Shard(index=2, count=4)}, "they are parts of 3 and of 4"),
        ({"shard": Shard(index=5, count=3)}, "shard-2 is shard 5 of 3"),
        ({"shard": None}, "shard-2 is no shard"),
        (
            {"gate": Gate(passed=False, asked=False)},
            "shard-2 judges nothing, and others do: make it with --checklist",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(shards, change, expected):
    """Evidence of two commits proves neither."""
    shards["shard-2"] = replace(shards["shard-2"], **change)

    with pytest.raises(ReportError, match=expected):
        merged(shards, today=TODAY)


@pytest.fixture
def folders(tmp_path, shards):
    """The shards in files."""
    for name, report in shards.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(to_text(report), encoding="utf-8")
    return [str(tmp_path / name) for name in shards]


def test_the_command_writes_all_reports(folders, tmp_path, capsys):
    """And returns 0 where the gate is passed."""
    assert main(["merge", *folders, "--out", str(tmp_path / "all")]) == 0
    assert capsys.readouterr().out.endswith("resilience gate: passed\n")
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        "attestation.json", "index.html", "report.json", "report.sarif",
    ]  # fmt: skip
    assert read_report(tmp_path / "all").gate.passed


def test_the_command_returns_1_where_the_gate_fails(folders, tmp_path, capsys):
    """A missing shard is enough."""
    assert main(["merge", *folders[:2], "--out", str(tmp_path / "all")]) == 1
    assert "the report of shard 3/3 is missing" in capsys.readouterr().out


def test_the_command_shows_a_verdict_that_it_cannot_write(folders, tmp_path, capsys):
    """And what is wrong with the folder."""
    (tmp_path / "all").write_text("")

    assert main(["merge", *folders, "--out", str(tmp_path / "all")]) == 4

    said = capsys.readouterr()

    assert "external-calls" in said.out
    assert "cannot be written" in said.err


def test_the_command_refuses_strangers(folders, tmp_path, capsys):
    """Status 4, and no report that could be taken for one."""
    data = json.loads(to_text(read_report(tmp_path / "shard-1")))
    (tmp_path / "shard-1" / "report.json").write_text(json.dumps({**data, "commit": "0" * 40}))

    assert main(["merge", *folders, "--out", str(tmp_path / "all")]) == 4
    assert "commit differs" in capsys.readouterr().err
    assert not (tmp_path / "all").exists()


def test_the_command_refuses_a_shard_named_twice(folders, tmp_path, capsys):
    """By its name: whoever typed it meant another one."""
    first = folders[0]
    arguments = [*folders, f"{first}/report.json", "--out", str(tmp_path / "all")]

    assert main(["merge", *arguments]) == 4
    assert main(["merge", *folders, first, "--out", str(tmp_path / "all")]) == 4
    assert capsys.readouterr().err.count(f"{first} is given more than once") == 2
    assert not (tmp_path / "all").exists()


def test_a_waiver_that_expires_meanwhile_fails(shards):
    """Joined shards are judged on the day they are joined."""
    last_day = TODAY + timedelta(days=9)
    waiver = Waiver(item="alerts", reason="next release", owner="ana", approver="ben", expires=last_day)
    late = {name: replace(report, waivers=(waiver,)) for name, report in shards.items()}

    assert merged(late, today=TODAY).unused_waivers == ("the waiver of alerts",)
    assert not merged(late, today=TODAY + timedelta(days=10)).gate.passed
