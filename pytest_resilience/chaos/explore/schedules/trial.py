"""One schedule tried, and what may be said of it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_resilience.chaos.explore.exploration import Finding, explore
from pytest_resilience.chaos.explore.schedules.stroke import Schedule, words
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.record import ProcessRecord, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedSchedule:
    """What became of a workload under a schedule.

    Args:
        schedule: its faults.
        fired: those that hit, in that order; one may lead past another's message.
        finding: what was seen.
        unproven: why it says nothing; none where it does.
    """

    schedule: Schedule
    fired: Schedule
    finding: Finding
    unproven: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the workload did something wrong."""
        return bool(self.finding.wrongs) and self.unproven is None


def try_schedule(laboratory: Laboratory, workload: str, schedule: Schedule) -> TriedSchedule:
    """Run a workload under a schedule, and judge it.

    Raises:
        HarnessError: something of ours did not work.
    """
    orders = [stroke.order for stroke in schedule]
    finding = explore(laboratory, workload, orders, title=f"{workload}: {words(schedule)}")
    return TriedSchedule(
        schedule=schedule,
        fired=_fired(schedule, finding.record),
        finding=finding,
        unproven=why_unproven(finding.record, restarts=laboratory.workload(workload).restarts),
    )


def _fired(schedule: Schedule, record: RunRecord) -> Schedule:
    pairs = zip(schedule, record.faults, strict=True)
    hit = [(fault.receipts[0].at, stroke) for stroke, fault in pairs if fault.receipts]
    return tuple(stroke for _, stroke in sorted(hit, key=lambda pair: pair[0]))


def why_unproven(record: RunRecord, *, restarts: int) -> str | None:
    """Say why a run says nothing, or return none: of its faults, one that hit is enough."""
    impossible = [fault.impossible for fault in record.faults if fault.impossible is not None]
    if impossible:
        return impossible[0]
    if record.bypasses:
        return record.bypasses[0]
    if record.first_receipt is None:
        return "none of its faults hit: nothing came by their triggers"
    if _is_unfair(record, restarts):
        return f"each of its {len(record.processes)} starts was hit, which leaves it none to come back in"
    return None


def _is_unfair(record: RunRecord, restarts: int) -> bool:
    """Tell whether the faults have used up all restarts: that a workload ends by each of them is sound."""
    if restarts == 0 or record.exit_code == 0 or len(record.processes) <= restarts:
        return False
    return all(_was_hit(process, record) for process in record.processes)


def _was_hit(process: ProcessRecord, record: RunRecord) -> bool:
    end = float("inf") if process.ended is None else process.ended
    times = [receipt.at for fault in record.faults for receipt in fault.receipts]
    return any(process.began <= at <= end for at in times)
