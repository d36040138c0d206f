"""Whether a server answers again once all that was broken is whole: a lost connection may stay lost to it for ever."""

from __future__ import annotations

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import CallRecord, RunRecord
from pytest_resilience.checklist.thresholds import BACK_WITHIN, CALLS_AFTER

_FIX = (
    "give every connection back, also after an error: roll back, drop one that is broken, and make a new one "
    "(`with` around each, a pool that tests what it hands out); remember no failure for longer than a reset period"
)


def never_back(run: RunRecord, clean: RunRecord, workload: WorkloadDeclaration) -> tuple[str, str] | None:
    """Return why, and what to do, where no request that was made after the heal was answered as undisturbed.

    Nothing is said of a run that ended sooner than a breaker may take to let a request through.
    """
    healed = [fault.healed_at for fault in run.faults]
    known = [at for at in healed if at is not None]
    if workload.shape != "server" or not known or len(known) < len(healed):
        return None
    usual = {call.outcome for call in clean.calls if call.ended is not None}
    after = [call for call in run.calls if call.began >= max(known) and call.ended is not None]
    if len(after) < CALLS_AFTER or any(_is_usual(call, usual) for call in after):
        return None
    lasted = max((process.ended or 0.0 for process in run.processes), default=0.0) - max(known)
    if lasted < BACK_WITHIN:
        return None
    why = (
        f"all was whole again for {lasted:.3g} s, and none of the {len(after)} requests since was answered as "
        f"undisturbed, the last with {after[-1].outcome}: it has to be started again"
    )
    return why, _FIX


def _is_usual(call: CallRecord, usual: set[str]) -> bool:
    return call.succeeded or call.outcome in usual
