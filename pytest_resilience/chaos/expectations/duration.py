"""The `duration` expectation: how long the whole run takes at most."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations


def judge_duration(expect: Expectations, record: RunRecord, _context: Context) -> Iterator[Judgement]:
    """Judge the run's duration, in the workload's seconds; real ones stand beside them where they differ."""
    if expect.duration is None:
        return
    real = f" ({record.real_duration:.2f} s of ours)" if record.time_scale != 1 else ""
    yield Judgement(
        name="duration",
        phase="liveness",
        held=record.duration <= expect.duration,
        expected=f"at most {expect.duration:g} s",
        seen=f"{record.duration:.2f} s{real}",
    )
