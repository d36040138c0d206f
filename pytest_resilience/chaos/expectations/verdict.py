"""The verdict on a scenario: passed, failed, or unproven, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.expectations.unproven import why_unproven
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Scenario

Word: TypeAlias = Literal["passed", "failed", "unproven"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioVerdict:
    """What is said of one scenario.

    Args:
        word: the verdict.
        why: the reason; none where it passed.
        judgements: of its expectations, safety first.
    """

    word: Word
    why: str | None = None
    judgements: tuple[Judgement, ...] = ()


def verdict_of(
    scenario: Scenario, record: RunRecord, clean: RunRecord | None, judgements: Sequence[Judgement]
) -> ScenarioVerdict:
    """Form the verdict; what proves nothing is unproven, whatever the judgements say.

    Args:
        scenario: what was promised.
        record: what was seen.
        clean: the undisturbed run of the workload.
        judgements: of the expectations (`judges.judge`).
    """
    every = tuple(judgements)
    reason = why_unproven(record, clean) or _nothing_asked(scenario, every)
    if reason is not None:
        return ScenarioVerdict(word="unproven", why=reason, judgements=every)
    broken = [str(judgement) for judgement in every if not judgement.held]
    if broken:
        return ScenarioVerdict(word="failed", why="; ".join(broken), judgements=every)
    return ScenarioVerdict(word="passed", judgements=every)


def _nothing_asked(scenario: Scenario, judgements: Sequence[Judgement]) -> str | None:
    if judgements:
        return None
    return (
        f"nothing is expected of the workload {scenario.workload} that could be judged: add `expect`, or a "
        "`steady_state` that has to hold again"
    )
