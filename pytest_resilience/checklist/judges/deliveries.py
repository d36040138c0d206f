"""Whether other services got what they get in an undisturbed run: that a row says `sent` sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.proof import said, worked
from pytest_resilience.checklist.records.deliveries import Deliveries, deliveries, missing
from pytest_resilience.checklist.records.log_lines import WARNING

FIX = (
    "mark as sent what was answered, not what is about to be sent, and send again what is not marked, under the same "
    "idempotency key, so that a second time is harmless"
)

_NEVER_GOT = " never got "


def fix_of(wrongs: Sequence[str], usual: str) -> str:
    """Return what to do about what a run did wrong: `FIX` where nothing else is wrong, else what is usual."""
    return FIX if wrongs and all(_NEVER_GOT in wrong for wrong in wrongs) else usual


def undelivered(run: RunRecord, clean: CleanRun) -> Iterator[str]:
    """Yield, in words, what HTTP services never got although the run ended well.

    Nothing is asked of a run that says that it failed, nor of a single start that logged what went wrong.

    Args:
        run: under faults.
        clean: the same workload undisturbed.
    """
    if not worked(run) or len(run.calls) != len(clean.record.calls):
        return
    if len(run.processes) == 1 and said(run, WARNING):
        return
    for service in clean.workload.uses:
        if service in clean.record.states:
            continue
        got = deliveries(run, service, answered=False)
        for what, undisturbed in deliveries(clean.record, service, answered=True).items():
            if (service, what) in clean.varying:
                continue
            lost = missing(undisturbed, got.get(what, Deliveries()))
            if lost:
                ended = "it" if len(run.processes) < 2 else "its last start"
                yield (
                    f"{service}{_NEVER_GOT}{lost} of the {len(undisturbed.each)} {what} of the undisturbed run, "
                    f"and {ended} ended with success"
                )
