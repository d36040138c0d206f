"""A trial that is made again at a slower clock, where a faster one was why it came too late.

No `time_scale` shortens a socket's time-out, nor the work between two waits: five seconds of them are a hundred
where time runs twenty times faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.laboratory.trial import Trial
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.records.attempts import attempts

WORTH_WAITING = 60.0
"""The longest deadline, in real seconds, that is given to code which never gave up at a faster clock."""


@contextmanager
def trial_in_time(
    laboratory: Laboratory, plan: Plan, title: str, *, late: Callable[[RunRecord], bool]
) -> Iterator[Trial]:
    """Make a run of a plan, and another at a slower clock where it was too late by a faster one.

    Args:
        laboratory: where runs are made.
        plan: of the run.
        title: what it is, in words.
        late: whether a run was too late.
    """
    with laboratory.trial(plan, title) as trial:
        scale = slower(trial.record, plan.workload.deadline) if late(trial.record) else None
        if scale is None:
            yield trial
            return
    with laboratory.trial(plan.tweaked(time_scale=scale), title) as trial:
        yield trial


def slower(record: RunRecord, deadline: float) -> float | None:
    """Return at which time scale a late run is made again: in real time where it gave up, or can be waited for.

    None where it ran no faster than that.
    """
    if record.time_scale <= 1:
        return None
    scale = 1.0 if _gave_up(record) else max(1.0, deadline / WORTH_WAITING)
    return scale if scale < record.time_scale else None


def _gave_up(record: RunRecord) -> bool:
    """Whether anything that the faults struck was tried again, or all that ran came to its end by itself."""
    services = {fault.order.on for fault in record.faults if fault.order.on}
    if any(sum(tried.kind is not None for tried in attempts(record, each)) > 1 for each in services):
        return True
    ended = all(process.ended is not None or process.told_to_end for process in record.processes)
    return ended and all(call.ended is not None for call in record.calls)
