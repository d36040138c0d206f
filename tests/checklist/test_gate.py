"""Verdicts: what the evidence says of each item, and whether a deploy may go on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pytest_resilience.checklist.gate import form_verdicts, gate_passed, why_not
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.waivers import Waiver, unused

TODAY = date(2026, 3, 1)
STATIC_ALONE = ["external-calls", "backoff", "transactions", "breakers"]
OTHERS = [item.id for item in ITEMS if item.id not in STATIC_ALONE]


def evidence(item, outcome, *, kind="dynamic", subject="workload ingest", why=None, **more):
    """Return one finding."""
    reason = (f"{subject} {outcome}" if outcome != "passed" else "") if why is None else why
    return Evidence(item=item, kind=kind, subject=subject, outcome=outcome, why=reason, **more)


def waiver(item, *, subject=None, days=30, place="resilience-waivers.toml:1"):
    """Return a waiver of an item."""
    return Waiver(
        item=item,
        subject=subject,
        reason="moved to the next release",
        owner="ana",
        approver="ben",
        expires=TODAY + timedelta(days=days),
        place=place,
    )


def word(item, *found, waivers=(), left_out=None):
    """Return the verdict of one item."""
    verdicts = form_verdicts(found, waivers, today=TODAY, left_out=left_out)
    return next(verdict for verdict in verdicts if verdict.item == item)


def all_but(item=None, outcome="passed"):
    """Return one finding of each other item."""
    return [evidence(each.id, outcome) for each in ITEMS if each.id != item]


def test_every_item_has_a_verdict_in_order():
    """Ten, as the checklist has them, whatever was found."""
    verdicts = form_verdicts([], today=TODAY)

    assert [item.id for item in ITEMS] == [verdict.item for verdict in verdicts]
    assert {"unproven"} == {verdict.word for verdict in verdicts}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["passed"], "passed"),
        (["passed", "not-applicable"], "passed"),
        (["not-applicable"], "not-applicable"),
        (["passed", "unproven"], "unproven"),
        (["not-applicable", "unproven"], "unproven"),
        (["unproven", "failed", "passed"], "failed"),
    ],
)
def test_the_worst_decides(outcomes, expected):
    """One failure fails, one gap leaves unproven, whatever else passed."""
    found = [evidence("alerts", outcome, subject=f"{n}") for n, outcome in enumerate(outcomes)]

    assert expected == word("alerts", *found).word


def test_the_reason_is_the_failures():
    """Of an unproven and a failed finding the failed one is told, with its fix and its replay."""
    verdict = word(
        "alerts",
        evidence("alerts", "unproven", subject="one", why="never fired", fix="call it"),
        evidence("alerts", "failed", subject="two", why="no alert", fix="send one", replay="pytest x"),
    )

    assert (verdict.why, verdict.fix, verdict.replay) == ("no alert", "send one", "pytest x")


@pytest.mark.parametrize("kind", ["static", "document"])
@pytest.mark.parametrize("item", STATIC_ALONE)
def test_reading_alone_does_not_pass(item, kind):
    """Items about what happens on the wire need a run; reading beside a run is welcome."""
    read = evidence(item, "passed", kind=kind, subject="app.py:3")

    assert word(item, read).word == "unproven"
    assert word(item, read, evidence(item, "passed")).word == "passed"


@pytest.mark.parametrize("item", STATIC_ALONE)
def test_reading_does_not_make_up_for_runs_that_do_not_apply(item):
    """A short job shows no breaker: the item does not apply, with the run's reason, whatever was read beside it."""
    read = evidence(item, "passed", kind="static", subject="app.py:3")
    verdict = word(item, read, evidence(item, "not-applicable", why="a short job: 4 calls"))

    assert (verdict.word, verdict.why) == ("not-applicable", "a short job: 4 calls")


@pytest.mark.parametrize("item", OTHERS)
def test_reading_alone_passes_the_others(item):
    """Runbooks, for one, are documents."""
    assert word(item, evidence(item, "passed", kind="document")).word == "passed"


def test_a_static_failure_is_not_hidden_by_a_pass():
    """A finding in the code fails its item even where the run went well."""
    found = [evidence("backoff", "passed"), evidence("backoff", "failed", kind="static", subject="app.py:9")]

    assert word("backoff", *found).word == "failed"


def test_what_was_left_out_is_unproven():
    """A part that `-k` deselected is not proven by the rest, and the reason says so."""
    verdict = word("backoff", evidence("backoff", "passed"), left_out={"backoff": ["-k left out 3 of 4"]})

    assert (verdict.word, verdict.why) == ("unproven", "-k left out 3 of 4")


def test_what_was_read_in_the_code_is_no_failure_while_runs_are_left_out():
    """They may decide against it; what a run has shown stays, and so do runbooks, which no run decides."""
    read = evidence("backoff", "failed", kind="static", subject="etl.py:3")
    left_out = {"backoff": ["-k left out 3 of 4"], "runbooks": ["-k left out 1 of 1"]}
    alone = word("backoff", read, left_out=left_out)
    beside = word("backoff", read, evidence("backoff", "failed"), left_out=left_out)
    runbook = word("runbooks", evidence("runbooks", "failed", kind="static"), left_out=left_out)

    assert (alone.word, alone.why) == ("unproven", "-k left out 3 of 4")
    assert (beside.word, beside.why) == ("failed", "workload ingest failed")
    assert word("backoff", read).word == runbook.word == "failed"


def test_unknown_items_are_refused():
    """Evidence that no item would show must not vanish."""
    with pytest.raises(ValueError, match="'retries'"):
        form_verdicts([evidence("retries", "failed")], today=TODAY)


def test_a_waiver_covers_a_failure():
    """The verdict is `waived`, and keeps the reason and the people."""
    verdict = word("rollback", evidence("rollback", "failed", why="differs"), waivers=[waiver("rollback")])

    assert (verdict.word, verdict.why) == ("waived", "differs")
    assert verdict.waiver is not None
    assert (
        verdict.waiver.owner,
        verdict.waiver.approver,
        verdict.waiver.expires,
    ) == ("ana", "ben", "2026-03-31")


def test_a_waiver_of_one_subject_leaves_the_other():
    """Only where each failing subject is covered is the item waived."""
    one, two = (evidence("rollback", "failed", subject=subject) for subject in ("train", "ingest"))

    assert word("rollback", one, two, waivers=[waiver("rollback", subject="train")]).word == "failed"
    assert word("rollback", one, waivers=[waiver("rollback", subject="train")]).word == "waived"
    both = [waiver("rollback", subject="train"), waiver("rollback", subject="in*")]
    assert word("rollback", one, two, waivers=both).word == "waived"


def test_brackets_in_a_subject_mean_themselves():
    """A parametrised test's id is no pattern."""
    found = evidence("rollback", "failed", subject="test_x[1]")

    assert word("rollback", found, waivers=[waiver("rollback", subject="test_x[1]")]).word == "waived"
    assert word("rollback", found, waivers=[waiver("rollback", subject="test_x[*]")]).word == "waived"
    other = evidence("rollback", "failed", subject="test_x1")
    assert word("rollback", other, waivers=[waiver("rollback", subject="test_x[1]")]).word == "failed"


def test_a_subject_does_not_cover_the_whole_item():
    """No evidence at all has no subject: only a waiver of the item covers that."""
    assert word("rollback", waivers=[waiver("rollback", subject="train")]).word == "unproven"
    assert word("rollback", waivers=[waiver("rollback")]).word == "waived"


def test_a_waiver_holds_on_its_last_day():
    """The day after, it fails."""
    failed = evidence("rollback", "failed")

    assert word("rollback", failed, waivers=[waiver("rollback", days=0)]).word == "waived"
    assert word("rollback", failed, waivers=[waiver("rollback", days=-1)]).word == "failed"


def test_an_expired_waiver_fails_its_item_by_name():
    """Even where all else passes, and even beside a valid one: it has to be removed or renewed."""
    late = waiver("rollback", subject="train", days=-1, place="resilience-waivers.toml:7")
    verdict = word("rollback", evidence("rollback", "passed"), waivers=[late, waiver("rollback")])

    assert verdict.word == "failed"
    assert "the waiver of rollback, train at resilience-waivers.toml:7 expired on 2026-02-28" in verdict.why


def test_an_expired_waiver_does_not_hide_the_cause():
    """Both are told: what is wrong with the item, and that nobody has renewed its waiver."""
    found = evidence("alerts", "failed", why="No alert came.", fix="Send one.", replay="pytest x")
    verdict = word("alerts", found, waivers=[waiver("alerts", days=-1)])

    assert verdict.why == (
        "No alert came. And the waiver of alerts at resilience-waivers.toml:1 expired on 2026-02-28; ana owns it"
    )
    assert verdict.fix.startswith("Send one. Then the waiver: remove it, or have ben approve a new date")
    assert verdict.replay == "pytest x"


def test_unused_waivers_are_found():
    """What covers nothing can go; what covers something stays; expired ones are told elsewhere."""
    found = [evidence("rollback", "failed", subject="train"), evidence("alerts", "passed")]
    waivers = [
        waiver("rollback", subject="train"),
        waiver("rollback", subject="serve"),
        waiver("alerts"),
        waiver("alerts", days=-3, subject="old"),
    ]
    verdicts = form_verdicts(found, waivers[:3], today=TODAY)

    assert tuple(waivers[1:3]) == unused(waivers, verdicts, today=TODAY)


def test_ten_passed_pass():
    """The gate opens."""
    assert gate_passed(form_verdicts(all_but(), today=TODAY))


@pytest.mark.parametrize("item", [item.id for item in ITEMS])
@pytest.mark.parametrize("outcome", ["failed", "unproven"])
def test_one_open_item_stops(item, outcome):
    """And is named."""
    verdicts = form_verdicts([*all_but(item), evidence(item, outcome)], today=TODAY)

    assert not gate_passed(verdicts)
    assert [item] == [reason.split()[1] for reason in why_not(verdicts)]


@pytest.mark.parametrize(
    "found",
    [
        [],
        all_but(outcome="not-applicable"),
        [*all_but("runbooks", "not-applicable"), evidence("runbooks", "passed", kind="document")],
    ],
    ids=["nothing", "nothing applies", "only a document"],
)
def test_never_green_for_nothing(found):
    """Where nothing was tried, nothing passes."""
    assert not gate_passed(form_verdicts(found, today=TODAY))


def test_waiving_everything_is_not_a_proof():
    """Ten waivers and no run do not open the gate; with a run they do, for people have agreed."""
    waivers = [waiver(item.id) for item in ITEMS]

    assert not gate_passed(form_verdicts([], waivers, today=TODAY))
    assert gate_passed(form_verdicts(all_but(outcome="failed"), waivers, today=TODAY))


def test_a_missing_item_stops():
    """Nine verdicts are not ten."""
    assert not gate_passed(form_verdicts(all_but(), today=TODAY)[:9])
