"""Which calls have to come back."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.explore.oracle import unanswered
from pytest_resilience.chaos.run.record import CallRecord, ProcessRecord, RunRecord


@pytest.mark.parametrize(
    ("began", "killed", "missed"),
    [(1.0, True, 0), (2.1, True, 0), (3.5, True, 1), (1.0, False, 1)],
    ids=["of a killed process", "in the gap after it", "of the next one", "of one that lived"],
)
def test_calls_that_a_kill_has_cut_off_need_not_come_back(began, killed, missed) -> None:
    """The process ran from 0 to 2, and was started again at 3."""
    first = ProcessRecord(began=0.0, ended=2.0, exit_code=137 if killed else 0, killed=killed)
    second = ProcessRecord(began=3.0, ended=5.0, exit_code=0)
    call = CallRecord(number=1, began=began, ended=None, outcome="blocked")

    assert len(unanswered(RunRecord(workload="api", processes=(first, second), calls=(call,)))) == missed
