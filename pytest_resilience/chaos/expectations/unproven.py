"""Why a run proves nothing: what has to be so before its expectations mean anything."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.expectations.exit import exit_words
from pytest_resilience.chaos.expectations.fault_words import fault_words
from pytest_resilience.chaos.expectations.judgement import shortened
from pytest_resilience.chaos.expectations.never_fired import why_never_fired
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.workload.log_lines import last_said


def why_unproven(record: RunRecord, clean: RunRecord | None) -> str | None:
    """Say why nothing is proven, or return None: the first reason, in the order in which to look at them.

    Args:
        record: the run that is judged.
        clean: the undisturbed run of the same workload; none where the judged one is that itself.
    """
    return next(_reasons(record, clean), None)


def _reasons(record: RunRecord, clean: RunRecord | None) -> Iterator[str]:
    yield from _impossible(record)
    if clean is not None and (broken := why_not_working(clean)):
        yield f"the clean run of the workload {record.workload} did not work: {broken}"
    if record.bypasses:
        yield f"traffic went around the proxy, so no fault could reach it: {'; '.join(record.bypasses)}"
    broken_checks = [check for check in record.before if not check.held]
    for check in broken_checks:
        yield f"the steady state did not hold at the start: {check.check}, but was {check.seen}"
    yield from _silent_services(record, clean)
    for fault in record.faults:
        if not fault.receipts:
            yield f"the fault {fault_words(fault.order)} never fired{why_never_fired(fault, record)}"


def _impossible(record: RunRecord) -> Iterator[str]:
    for fault in record.faults:
        if fault.impossible is not None:
            yield f"the fault {fault_words(fault.order)} cannot be made here: {fault.impossible}"


def why_not_working(clean: RunRecord) -> str | None:
    """Say why an undisturbed run did not work, or return None."""
    if clean.calls:
        worked = [call for call in clean.calls if call.outcome == "ok" or call.outcome[:1] in {"2", "3"}]
        if not worked:
            last = clean.calls[-1]
            return f"none of its {len(clean.calls)} calls did; the last: {shortened(f'{last.outcome} {last.message}')}"
        if clean.exit_code in {0, None, 128 + 15}:
            return None  # a server is ended by us
    if not clean.processes:
        return None if clean.calls else exit_words(clean)
    if clean.exit_code == 0 and not clean.processes[-1].blocked:
        return None
    return f"{exit_words(clean)}{_last_words(clean)}"


def _last_words(record: RunRecord) -> str:
    said = last_said(record.processes[-1].stderr)
    return f"; its last line: {shortened(said)}" if said else ""


def _silent_services(record: RunRecord, clean: RunRecord | None) -> Iterator[str]:
    """A closed listener sees nobody: that its workload came to it is told by the other messages, or undisturbed."""
    messages = (*record.messages, *(clean.messages if clean is not None else ()))
    spoken = {message.service for message in messages}
    receipts = [receipt for fault in record.faults for receipt in fault.receipts]
    hit = {each.service for each in receipts if not (each.kind == "down" and each.connection is None)}
    for fault in record.faults:
        service = fault.order.on
        if service is not None and service not in {*spoken, *hit, record.workload}:
            yield (
                f"there was no traffic to {service}: does the workload read its address from the environment "
                "variables that are declared for it?"
            )
