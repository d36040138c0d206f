"""What GitHub and JUnit files show of a report."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from pytest_resilience.__main__ import main
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.report.github import summary, workflow_commands, write_summary
from pytest_resilience.report.json_form import to_text
from pytest_resilience.report.junit import junit_properties
from pytest_resilience.report.sarif import to_sarif


def test_the_summary_has_a_row_for_each_item(report):
    """With the verdict in words."""
    rows = [line.split("|")[2].strip() for line in summary(report).splitlines() if line.startswith("| ")]

    assert rows[1:] == [item.id for item in ITEMS]
    assert summary(report).startswith("## Resilience gate: failed (")


def test_the_summary_says_which_run_it_is_of(report):
    """In its first line: several of them stand below each other. Then the answer in words."""
    first, _, said, *_ = summary(report).splitlines()

    assert first == "## Resilience gate: failed (commit 8f14e45fceea, 2026-03-01 09:30 UTC, mode gate)"
    assert said.startswith(
        "Only a part was run: nothing can be said of rollback. No: 2 items stop the deploy"
    )


def test_an_annotation_is_of_sentences(report):
    """Why and fix run into each other else."""
    bad = replace(report.items[1].evidence[1], why="it waits linearly", fix="wait exponentially")
    text = workflow_commands(replace(report, items=(replace(report.items[1], evidence=(bad,), why=bad.why),)))

    assert text.splitlines()[0].endswith("::it waits linearly. wait exponentially.")


def test_the_summary_counts_warnings(report):
    """Beside the evidence that has them."""
    (row,) = (line for line in summary(report).splitlines() if line.startswith("| 2 |"))

    assert "| 3, 1 with warnings |" in row


def test_the_summary_shows_names_as_they_are(report):
    """No HTML, no table cell and no code fence is broken by them."""
    bad = "a|b <img src=x> `x` ```\n| 1 | forged |"
    items = (replace(report.items[1], why=bad, fix=bad, replay=bad),)
    text = summary(replace(report, items=items, scenarios=()))

    assert "<img" not in text.split("````")[0]
    assert [line for line in text.splitlines() if line.startswith("| 1 | forged")] == []
    assert "````console" in text


def test_a_long_summary_is_cut(report):
    """GitHub refuses more than a mebibyte."""
    items = tuple(replace(verdict, why="é" * 200_000) for verdict in report.items)

    assert len(summary(replace(report, items=items)).encode()) <= 1_000_000


def test_the_summary_is_appended(tmp_path, report):
    """Other steps have written there too."""
    file = tmp_path / "summary.md"
    file.write_text("before\n")

    assert write_summary(report, {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text(encoding="utf-8") == f"before\n{summary(report)}"
    assert not write_summary(report, {})
    assert not write_summary(report, {"GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "x")})


def test_a_finding_is_annotated_at_its_line(report):
    """Those that have a line come first."""
    first = workflow_commands(report).splitlines()[0]

    assert first == (
        "::error file=icu_platform/labs.py,line=41,title=resilience 2 backoff"
        "::time.sleep(attempt) in a loop: a linear wait, 50%25 of all cases. Use an exponential wait."
    )


def test_names_cannot_give_commands(report):
    """A line break, a comma or a colon in them is written as GitHub wants it."""
    bad = replace(
        report.items[1].evidence[1],
        subject="a,b::c%.py:3",
        why="x\n::error::forged\r\n::set-output name=a::b",
    )
    text = workflow_commands(replace(report, items=(replace(report.items[1], evidence=(bad,), why=bad.why),)))

    assert text.splitlines()[0].startswith("::error file=a%2Cb%3A%3Ac%25.py,line=3,title=")
    assert [line for line in text.splitlines() if "forged" in line] == text.splitlines()[:1]


def test_warn_mode_warns(report):
    """And a waiver without use is told."""
    warn = workflow_commands(replace(report, gate=replace(report.gate, mode="warn")))

    assert "::error" not in warn
    assert "::warning title=resilience::the waiver of messages is unused: remove it" in warn


def test_nothing_open_is_nothing_to_say(green):
    """No annotation at all."""
    assert workflow_commands(green) == ""


def test_junit_has_every_item(report):
    """As names and values, in order, each once."""
    pairs = junit_properties(report)
    values = dict(pairs)

    assert len(values) == len(pairs)
    assert [values[f"resilience.item.{verdict.item}"] for verdict in report.items] == [
        verdict.word for verdict in report.items
    ]
    assert values["resilience.gate"] == "failed"
    assert values["resilience.seed"] == "7"


def test_a_report_can_be_rendered_again(tmp_path, report, capsys):
    """In every form, from its file; the file's folder will do."""
    (tmp_path / "report.json").write_text(to_text(report), encoding="utf-8")
    shown = {}
    for form in ("text", "html", "sarif", "junit", "github"):
        assert main(["report", str(tmp_path), "--format", form]) == 0
        shown[form] = capsys.readouterr().out

    assert "resilience gate: FAILED" in shown["text"]
    assert shown["html"].startswith("<!doctype html>")
    assert f'"ruleId": "{to_sarif(report)["runs"][0]["results"][0]["ruleId"]}"' in shown["sarif"]
    assert [each.get("name") for each in ET.fromstring(shown["junit"]).iter("property")] == [  # noqa: S314 - ours
        name for name, _ in junit_properties(report)
    ]
    assert "::error file=" in shown["github"]


def test_the_page_can_be_written_elsewhere(tmp_path, report, capsys):
    """Then nothing is printed."""
    (tmp_path / "report.json").write_text(to_text(report), encoding="utf-8")

    assert main(["report", str(tmp_path), "--html", str(tmp_path / "page.html")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_wrong_file_is_a_clear_error(tmp_path, capsys):
    """Status 4, and what to name instead."""
    assert main(["report", str(tmp_path)]) == 4
    assert "name a report.json" in capsys.readouterr().err
