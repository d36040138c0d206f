"""The plain sentence that reports begin with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pytest_resilience.report.answer import answer
from pytest_resilience.report.html import to_html
from pytest_resilience.report.judged import judged
from pytest_resilience.report.model import Gate, Shard
from pytest_resilience.report.terminal import render_text

STOPS = "the deploy: backoff (failed), alerts (unproven)."
PART = "Only a part was run: nothing can be said of rollback."


def test_no_names_what_stops_it(report):
    """And what was left out comes first."""
    assert answer(report) == f"{PART} No: 2 items stop {STOPS}"


def test_an_interrupted_run_says_so_first(report):
    """Else what it did not come to looks like a finding."""
    left_out = {"rollback": ("2 of 9 experiments did not run (the test run was interrupted)",)}
    said = answer(replace(report, left_out=left_out))

    assert said == f"The run was interrupted: nothing can be said of rollback. No: 2 items stop {STOPS}"


def test_what_was_left_out_is_no_finding(report):
    """Where nothing else is open, nothing is named as what stops it; yet a part is no yes."""
    items = tuple(replace(each, word="passed") if each.item != "rollback" else each for each in report.items)
    said = answer(replace(report, items=items))

    assert said == f"{PART} No: a deploy needs the verdict of all ten items."


def test_mode_warn_is_said_in_words(report):
    """The run goes on, the answer stays no."""
    said = answer(replace(report, gate=replace(report.gate, mode="warn")))

    assert said == f"{PART} No: 2 items would stop {STOPS} Mode warn: the run goes on all the same."


def test_yes_is_about_the_commit(green):
    """Where files differ from it, it is not."""
    assert answer(green) == "Yes: this commit may be deployed."
    assert "but files differ from the commit" in answer(replace(green, dirty=True))


def test_yes_names_waivers_and_warnings(green):
    """Somebody answers for those."""
    first, second, *rest = green.items
    evidence = (replace(first.evidence[0], warnings=("no jitter",)),)
    items = (replace(first, evidence=evidence), replace(second, word="waived"), *rest)

    assert answer(replace(green, items=items)) == (
        "Yes: this commit may be deployed, with waivers of 1 item (backoff), with warnings in 1 item (external-calls)."
    )


@pytest.mark.parametrize("tests", [{"failed": 2}, {"failed": 1, "error": 1}])
def test_failed_tests_are_no_yes(green, tests):
    """`verify` will refuse it."""
    said = answer(replace(green, tests=tests))

    assert said == "No item stops the deploy, but 2 tests failed: verify will refuse it."


def test_what_is_not_judged_is_no_answer(report):
    """A shard, and a run without the checklist."""
    shard = replace(report, gate=Gate(passed=False, deferred=True), shard=Shard(index=2, count=3))
    unasked = replace(report, gate=Gate(passed=False, asked=False))

    assert answer(shard).startswith("Not judged yet: this is shard 2 of 3")
    assert answer(unasked).startswith("Nothing was judged")


def test_nothing_tried_is_no(report):
    """Ten times not applicable lets nothing pass."""
    items = tuple(replace(each, word="not-applicable", evidence=()) for each in report.items)
    gate = Gate(passed=False, why=("nothing was proven: no experiment ran.",))

    assert answer(replace(report, items=items, gate=gate, left_out={})) == (
        "No: nothing was proven: no experiment ran."
    )


def test_reports_begin_with_it(report):
    """The terminal in its first line, the page below its heading, also where no script runs."""
    empty = judged([], today=date(2026, 3, 1), started=report.started, seed=0)

    assert render_text(empty, width=400).startswith(f"{answer(empty)}\n\n #  item")
    assert f'<p id="answer">{answer(report)}</p>' in to_html(report)
