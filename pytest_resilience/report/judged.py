"""Makes a report from what a run, or all shards of one, found: the one place where a gate's verdict is formed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from pytest_resilience.checklist.gate import form_verdicts, why_not
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.waivers.waiver import unused
from pytest_resilience.report.model import Gate, Mode, Report
from pytest_resilience.report.order import in_order


def judged(
    evidence: Sequence[Evidence], *, today: date, mode: Mode = "gate", asked: bool = True, **facts: Any
) -> Report:
    """Return the report, with its items judged.

    Args:
        evidence: all findings.
        today: the day on which waivers have to hold.
        mode: `gate` or `warn`.
        asked: whether the checklist was asked for, so that the gate can be passed.
        facts: the other fields of `Report`.

    A shard keeps its evidence, and its gate is deferred: only all shards together are judged.
    """
    raw = Report(gate=Gate(passed=False, mode=mode), items=(), **facts)
    verdicts = form_verdicts(in_order(evidence), raw.waivers, today=today, left_out=raw.left_out)
    deferred = raw.shard is not None
    reasons = why_not(verdicts)
    passed = asked and not reasons and not deferred
    return replace(
        raw,
        items=verdicts,
        gate=Gate(
            passed=passed,
            mode=mode,
            deferred=deferred,
            asked=asked,
            why=reasons,
        ),
        unused_waivers=()
        if deferred
        else tuple(str(waiver) for waiver in unused(raw.waivers, verdicts, today=today)),
    )


def evidence_of(report: Report) -> tuple[Evidence, ...]:
    """Return all findings that its items rest on."""
    return tuple(each for verdict in report.items for each in verdict.evidence)
