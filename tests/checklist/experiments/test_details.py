"""What stands under a failed experiment tells what the workload said last, wherever it writes its log."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.run.record import ProcessRecord, RunRecord
from pytest_resilience.checklist.experiments.single_fault import details


@pytest.mark.parametrize("stream", ["stderr", "stdout"])
def test_the_last_words_are_told(stream):
    """Of a job that logs to standard output, too: there its standard error says nothing."""
    process = ProcessRecord(began=0.0, ended=1.0, exit_code=1, **{stream: "first\nSQLSTATE 08006\n"})
    record = RunRecord(workload="score", processes=(process,))

    assert details(record)[-3:] == ["Start 1: status 1", "  first", "  SQLSTATE 08006"]


def test_what_is_no_log_does_not_stand_beside_what_is():
    """A table that a job prints would push its errors out of sight."""
    process = ProcessRecord(began=0.0, ended=1.0, exit_code=1, stderr="lost\n", stdout="a table\n")
    record = RunRecord(workload="score", processes=(process,))

    assert details(record)[-2:] == ["Start 1: status 1", "  lost"]
