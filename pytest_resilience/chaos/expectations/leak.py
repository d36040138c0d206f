"""The `no_leak` expectation: nothing is left behind, no connection, transaction, lock or child process."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations


def judge_leak(expect: Expectations, record: RunRecord, _context: Context) -> Iterator[Judgement]:
    """Judge what was left when the workload had ended."""
    if expect.no_leak:
        yield Judgement(
            name="no_leak",
            phase="safety",
            held=not record.leaks,
            expected="nothing left behind",
            seen="; ".join(record.leaks) or "nothing",
        )
