"""Whether other services got what they get in an undisturbed run: that a row says `sent` sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from pytest_resilience.chaos.expectations.log_levels import WARNING
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.proof import said, worked
from pytest_resilience.checklist.records.deliveries import Deliveries, deliveries, missing, surplus
from pytest_resilience.checklist.verdict import Evidence

Compared: TypeAlias = tuple[str, str, Deliveries, Deliveries]
"""A service, a request, how often undisturbed, how often under a fault."""
FIX = (
    "mark as sent what was answered, not what is about to be sent, and send again what is not marked, under the same "
    "idempotency key, so that a second time is harmless"
)

GIVEN_UP = (
    "leave what could not be sent to the next start: do not mark it as sent, or refused, when it is given up, and end "
    "with a status other than 0"
)
LEASE = "; a lease under which a killed start holds rows wants to be shorter than that, in tests at least"
_NEVER_GOT, _ANSWERED_FOR, _OTHER_KEY = (
    " never got ",
    " calls were answered for",
    " under another idempotency key",
)
_MANY = 3
"""So many requests of one kind, each under a key, stand for rows; one or two may stand for a start of the process."""


def fix_of(wrongs: Sequence[str], usual: str) -> str:
    """Return what to do about what a run did wrong: `FIX` where nothing else is wrong, else what is usual."""
    if not wrongs or not all(_NEVER_GOT in wrong or _OTHER_KEY in wrong for wrong in wrongs):
        return usual
    return FIX + LEASE if any(_ANSWERED_FOR in wrong for wrong in wrongs) else FIX


def undelivered(run: RunRecord, clean: CleanRun) -> Iterator[str]:
    """Yield, in words, what HTTP services never got, or have done twice, although the run ended well.

    Nothing is asked of a run that says that it failed, nor of a single start that logged what went wrong.

    Args:
        run: under faults.
        clean: the same workload undisturbed.
    """
    if len(run.processes) == 1 and said(run, WARNING):
        return
    ended = "it" if len(run.processes) < 2 else "its last start"
    for service, what, undisturbed, got in _compared(run, clean, certain=False):
        if lost := missing(undisturbed, got):
            yield (
                f"{service}{_NEVER_GOT}{lost} of the {len(undisturbed.each)} {what} of the undisturbed run, "
                f"and {ended} ended with success"
            )
    for service, what, undisturbed, got in _surplus(run, clean):
        if _is_keyed(undisturbed, got):
            yield (
                f"{service} has done {len(got.each)} {what}, {len(undisturbed.each)} undisturbed: after the kill some "
                f"were sent again{_OTHER_KEY}"
            )


def with_repeats(evidence: Evidence, run: RunRecord, clean: CleanRun) -> Evidence:
    """Return evidence that passed with a warning of each request that was sent again after a kill."""
    if evidence.outcome != "passed":
        return evidence
    return replace(evidence, warnings=(*evidence.warnings, *_sent_again(run, clean)))


def _sent_again(run: RunRecord, clean: CleanRun) -> Iterator[str]:
    """Yield, in words, what HTTP services have done more often after a restart than undisturbed.

    Whether it was harmless is not known: a request may only ask, or belong to each start.
    """
    for service, what, undisturbed, got in _surplus(run, clean):
        if not _is_keyed(undisturbed, got):
            yield (
                f"after a kill {service} had done {len(got.each)} {what}, {len(undisturbed.each)} undisturbed: "
                "if it changes something, send it under one idempotency key, which the row tells, not the process"
            )


def _surplus(run: RunRecord, clean: CleanRun) -> Iterator[Compared]:
    """Yield what was done more often after a restart than undisturbed."""
    if len(run.processes) > 1:
        yield from (each for each in _compared(run, clean, certain=True) if surplus(*each[2:]))


def _is_keyed(undisturbed: Deliveries, got: Deliveries) -> bool:
    """Tell whether all carry keys, and stand for rows."""
    return undisturbed.keyed and got.keyed and len(undisturbed.each) >= _MANY


def _compared(run: RunRecord, clean: CleanRun, *, certain: bool) -> Iterator[Compared]:
    """Yield services and requests whose number is always the same, undisturbed and in a run that ended well."""
    if not worked(run) or len(run.calls) != len(clean.record.calls):
        return
    for service in clean.workload.uses:
        if service in clean.record.states:
            continue
        got = deliveries(run, service, certain=certain)
        for what, undisturbed in deliveries(clean.record, service, certain=True).items():
            if (service, what) not in clean.varying:
                yield service, what, undisturbed, got.get(what, Deliveries())
