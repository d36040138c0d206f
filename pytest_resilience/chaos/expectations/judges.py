"""All judges, one for each expectation of a scenario file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from pytest_resilience.chaos.expectations.alert import judge_alerts
from pytest_resilience.chaos.expectations.atomic import judge_atomic
from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.duration import judge_duration
from pytest_resilience.chaos.expectations.exactly_once import judge_rows
from pytest_resilience.chaos.expectations.exit import judge_exit
from pytest_resilience.chaos.expectations.http import judge_http
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.expectations.leak import judge_leak
from pytest_resilience.chaos.expectations.log import judge_logs
from pytest_resilience.chaos.expectations.recovery import judge_recovery
from pytest_resilience.chaos.expectations.sql import judge_sql
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations

Judge: TypeAlias = Callable[[Expectations, RunRecord, Context], Iterable[Judgement]]

JUDGES: tuple[tuple[str, Judge], ...] = (
    ("exit", judge_exit),
    ("exactly_once", judge_rows),
    ("sql", judge_sql),
    ("http", judge_http),
    ("logs", judge_logs),
    ("alerts", judge_alerts),
    ("recovers_within", judge_recovery),
    ("duration", judge_duration),
    ("no_leak", judge_leak),
)
"""Each field of `Expectations`, and who judges it."""

ALWAYS: tuple[Judge, ...] = (judge_atomic,)
"""What is declared with a workload, and judged in every run of it."""


def judge(expect: Expectations, record: RunRecord, context: Context) -> tuple[Judgement, ...]:
    """Judge a run: safety first, then liveness.

    Raises:
        HarnessError: something cannot be judged as it is declared.
    """
    judges = (*(judge for _, judge in JUDGES), *ALWAYS)
    found = [judgement for each in judges for judgement in each(expect, record, context)]
    return tuple(sorted(found, key=lambda judgement: judgement.phase != "safety"))
