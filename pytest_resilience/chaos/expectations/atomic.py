"""The workload's `atomic` statements: true at every moment, whatever a scenario expects beside."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations


def judge_atomic(_expect: Expectations, record: RunRecord, context: Context) -> Iterator[Judgement]:
    """Judge what was seen while the workload ran; it is declared, so it is always judged."""
    if context.workload.atomic:
        yield Judgement(
            name="atomic",
            phase="safety",
            held=not record.violations,
            expected=f"{len(context.workload.atomic)} declared to be true at every moment",
            seen="; ".join(record.violations) or "true at every look",
        )
