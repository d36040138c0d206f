"""The order in which evidence is read."""

from __future__ import annotations

from datetime import date
from itertools import permutations

from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.report.judged import judged
from pytest_resilience.report.order import in_order


def found(outcome, subject="workload ingest", **more):
    """Return one finding."""
    return Evidence(
        item="external-calls", kind="dynamic", subject=subject, outcome=outcome, why=subject, **more
    )


ORDER = (
    found(
        "failed",
        "workload ingest / service warehouse",
        replay="pytest resilience::transactions::ingest::warehouse",
    ),
    found(
        "failed", "workload ingest / service labs", replay="pytest resilience::external-calls::ingest::labs"
    ),
    found("failed", "scenario db/lost.yaml", replay="pytest scenarios/db/lost.yaml"),
    found("unproven"),
    found("passed", warnings=("no jitter",)),
    found("passed"),
    found("not-applicable"),
)


def test_the_worst_is_read_first():
    """Data before all else, the team's own scenarios after our experiments; then doubts, then warnings."""
    assert {in_order(each) for each in permutations(ORDER)} == {ORDER}


def test_an_item_gives_the_worst_as_its_reason():
    """Whatever ran first."""
    report = judged(ORDER[::-1], today=date(2026, 3, 1), started="2026-03-01T00:00:00+00:00", seed=0)

    assert report.items[0].why == "workload ingest / service warehouse"
