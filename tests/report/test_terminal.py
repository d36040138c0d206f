"""The summary in the terminal: readable at 80 columns, and safe to print."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.report.github import workflow_commands
from pytest_resilience.report.judged import judged
from pytest_resilience.report.model import Coverage, Gate, Shard
from pytest_resilience.report.terminal import render_text


def test_every_item_has_its_line(report):
    """Number, id, verdict, count."""
    lines = [line.split()[:4] for line in render_text(report).splitlines() if line[:2].strip().isdigit()]

    assert [[str(item.number), item.id] for item in ITEMS] == [line[:2] for line in lines]
    assert lines[1] == ["2", "backoff", "failed", "3,"]


def test_an_open_item_says_why_and_what_to_do(report):
    """The reason, the fix, and the command on one line, to copy."""
    text = render_text(report)

    assert (
        "why   The waits before attempts 2 to 5 were 1.0, 2.0, 3.0 and 4.0 s: they\n            grow" in text
    )
    assert "(and 1 more)" in text
    assert "      run   pytest --chaos 'resilience::backoff::ingest::labs' --chaos-seed=7\n" in text
    assert text.endswith("resilience gate: FAILED, 2 of 10 items stop the deploy, 1 not judged\n")


def test_a_long_reason_is_said_once(report):
    """A workload that fails in the clean run leaves all items open for the same paragraph."""
    why, short = "The workload ended before it served. " * 5, "no experiment ran"
    items = tuple(
        replace(each, word="unproven", why=why if n < 9 else short, fix="Mend it.", replay="pytest --chaos")
        for n, each in enumerate(report.items)
    )
    text = render_text(replace(report, items=items, left_out={}))

    assert text.count("why   The workload ended before it served.") == 1
    assert text.count("      why   the same as for external-calls\n") == 8
    assert text.count("fix   Mend it.") == text.count("run   pytest --chaos") == 2


def test_only_commands_are_longer_than_the_screen(report):
    """All else is wrapped."""
    lines = [line for line in render_text(report, width=60).splitlines() if not line.startswith("      run")]

    assert [line for line in lines if len(line) > 80] == []


def test_what_passes_with_warnings_shows_the_first(green):
    """And how many more there are; nobody has to open the page to learn what they are about."""
    first = green.items[0]
    warned = replace(first, evidence=(replace(first.evidence[0], warnings=("no jitter", "slow", "slow")),))
    text = render_text(replace(green, items=(warned, *green.items[1:])))

    assert "      warns no jitter (and 1 more)\n" in text


def test_a_passed_gate_says_so(green):
    """In its last line."""
    assert render_text(green).splitlines()[-1] == "resilience gate: passed"


def test_a_shard_is_not_judged(report):
    """It names the command that does."""
    shard = replace(report, gate=Gate(passed=False, deferred=True), shard=Shard(index=2, count=3))

    assert "deferred, this is shard 2 of 3" in render_text(shard).splitlines()[-1]


def test_without_the_checklist_nothing_is_judged(findings, facts):
    """A run of scenarios alone neither passes the gate nor fails it."""
    unasked = judged(findings, today=date(2026, 3, 1), asked=False, **facts)

    assert render_text(unasked).splitlines()[-1].startswith("resilience gate: not judged")
    assert (unasked.gate.passed, workflow_commands(unasked)) == (False, "")


def test_warn_mode_says_that_the_run_goes_on(report):
    """So that nobody takes green for passed, nor the items for what stopped it."""
    warn = render_text(replace(report, gate=replace(report.gate, mode="warn")))

    assert warn.endswith(
        "FAILED, 2 of 10 items would stop the deploy, 1 not judged (mode warn: the run goes on)\n"
    )


def test_colours_change_nothing_else(report):
    """Without the escapes it is the same text."""
    coloured = render_text(report, color=True)
    for code in ("32", "1;31", "33", "36", "2", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")

    assert coloured == render_text(report)


def test_hostile_names_move_no_cursor(report):
    """An escape sequence, or a line of its own, is shown instead of done."""
    bad = "\x1b[2J\nresilience gate: passed\r\u202eevil"
    verdicts = tuple(replace(verdict, why=bad, fix=bad, replay=bad) for verdict in report.items)
    text = render_text(replace(report, items=verdicts, notes=(bad,)))

    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    assert text.splitlines().count("resilience gate: passed") == 0


def test_fault_points_that_nothing_tried_are_not_said_to_have_failed(report):
    """With `-k` what was tried may be an outage, or a fault that is none at a message."""
    text = render_text(replace(report, coverage=Coverage(points=55, exercised=0, survived=0)))

    assert (
        "\nfault points: 55, none exercised: what was tried, if anything, fails a service as a whole" in text
    )
