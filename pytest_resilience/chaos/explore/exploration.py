"""Single faults: a workload broken at one point, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_resilience.chaos.explore.oracle import wrongs
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.exposure import Exposure, has_answered
from pytest_resilience.chaos.run.record import FaultRecord, RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder

RESTS_WITHIN = 30.0
"""Seconds in which a server does what it put off: the leases of queues last so long (Amazon SQS's default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of a workload under faults.

    Args:
        record: what was seen.
        wrongs: what it did wrong; nothing where it survived.
        unproven: why it says nothing; none where it does.
    """

    record: RunRecord
    wrongs: tuple[str, ...] = ()
    unproven: str | None = None

    @property
    def survived(self) -> bool:
        """Whether the faults hit and it did nothing wrong."""
        return not self.wrongs and self.unproven is None

    @property
    def never_fired(self) -> bool:
        """Whether a fault that could be made met nothing."""
        return bool(_missed(self.record))


def explore(
    laboratory: Laboratory,
    workload: str,
    faults: Sequence[FaultOrder],
    *,
    title: str,
    rests: Callable[[Exposure], bool] | None = None,
    time_scale: float | None = None,
) -> Finding:
    """Break a workload, and judge what became of it.

    Args:
        laboratory: where runs are made.
        workload: its name.
        faults: what is broken.
        title: what the run is called.
        rests: tells whether a server that is sent nothing more has done what it put off; waited for `RESTS_WITHIN` s.
        time_scale: how much faster its time runs; none for the workload's.

    Raises:
        HarnessError: something of ours did not work.
    """
    clean = laboratory.clean(workload)
    enough = has_answered if len(faults) == 1 else None  # the second may strike late
    plan = laboratory.plan(
        workload,
        faults,
        states=True,
        prompt=True,
        enough=enough,
        settles=True,
        rests=rests,
        rests_within=RESTS_WITHIN,
    )
    if time_scale is not None:
        plan = plan.tweaked(time_scale=time_scale)
    with laboratory.trial(laboratory.masked(plan, clean), title) as trial:
        found = wrongs(trial, clean, laboratory.configuration.folder)
        return Finding(record=trial.record, wrongs=found, unproven=_why_unproven(trial.record))


def _missed(record: RunRecord) -> list[FaultRecord]:
    """Return the faults that could be made, and met nothing."""
    return [fault for fault in record.faults if not fault.receipts and fault.impossible is None]


def _why_unproven(record: RunRecord) -> str | None:
    for fault in record.faults:
        if fault.impossible is not None:
            return fault.impossible
    if record.bypasses:
        return record.bypasses[0]
    if missed := _missed(record):
        order = missed[0].order
        return f"the fault {order.kind} on {order.on or record.workload} never fired: nothing came by its trigger"
    return None
