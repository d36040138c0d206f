"""From evidence to the result of an experiment."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.single_fault import details
from pytest_resilience.checklist.verdict import Evidence, Outcome

_WORST_FIRST: tuple[Outcome, ...] = ("failed", "unproven", "passed", "not-applicable")


def result_of(evidence: Sequence[Evidence], record: RunRecord | None = None) -> ExperimentResult:
    """Return what an experiment came to: the worst of its evidence, with all reasons of that kind."""
    outcome = min((each.outcome for each in evidence), key=_WORST_FIRST.index)
    worst = [each for each in evidence if each.outcome == outcome]
    return ExperimentResult(
        outcome=outcome,
        why="\n".join(dict.fromkeys(_line(each) for each in worst if each.why)),
        details="\n".join(details(record)) if record is not None and outcome != "not-applicable" else "",
        evidence=tuple(evidence),
        record=record,
    )


def _line(evidence: Evidence) -> str:
    fix = f" To do: {evidence.fix}" if evidence.fix else ""
    return f"{evidence.item}: {evidence.why}.{fix}"
