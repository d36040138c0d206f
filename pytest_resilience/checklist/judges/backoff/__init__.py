"""Item 2: waits between attempts grow geometrically and end; what must not be tried again is not."""

from __future__ import annotations

from pytest_resilience.checklist.judges.backoff.repeats import (
    judge_permanent,
    judge_repeats,
    judge_retry_after,
)
from pytest_resilience.checklist.judges.backoff.waits import Trials, WaitsJudgement, judge_waits

__all__ = ["Trials", "WaitsJudgement", "judge_permanent", "judge_repeats", "judge_retry_after", "judge_waits"]
