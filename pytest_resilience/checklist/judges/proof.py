"""What has to be true of a run before anything may be concluded from it: nothing passes vacuously."""

from __future__ import annotations

import re

from pytest_resilience.chaos.expectations.log_levels import level_in
from pytest_resilience.chaos.run.record import CallRecord, FaultRecord, RunRecord

Missing = tuple[str, str]
"""Why nothing can be concluded, and what to do about it."""

_SAYS_SO = re.compile(
    r"fall(?:ing)?[ _-]?back|degraded|unavailable|gave up|giving up|retry|fail|error", re.IGNORECASE
)


def missing_proof(
    run: RunRecord, *, service: str | None = None, clean: RunRecord | None = None
) -> Missing | None:
    """Return what is missing, or none.

    Args:
        run: a run with faults.
        service: the one whose traffic is judged.
        clean: the undisturbed run of the same workload.
    """
    return (
        (_missing_clean(clean, service) if clean is not None else None)
        or _missing_faults(run)
        or missing_path(run)
    )


def missing_path(run: RunRecord) -> Missing | None:
    """Return whether the run went past the proxy, or began where it does not work."""
    if run.bypasses:
        return (
            f"the workload went past the proxy: {run.bypasses[0]}",
            "let it take the address from the environment variable that the service declares in `env`",
        )
    broken = [check for check in run.before if not check.held]
    if broken:
        return (
            f"the steady state did not hold before the fault: {broken[0].check} ({broken[0].seen})",
            "make the workload's known state complete: `init` of the service, or the scenario's `steady_state`",
        )
    return None


def worked(run: RunRecord) -> bool:
    """Tell whether everything that the workload was asked to do succeeded.

    But for the requests that were on their way when we ended a server, after all faults had healed.
    """
    if any(process.blocked and process.ended is None for process in run.processes) and not run.calls:
        return False
    if run.calls:
        answered = [call for call in run.calls if not _cut_off(run, call)]
        return bool(answered) and all(call.succeeded for call in answered)
    return run.exit_code == 0


def never_returned(run: RunRecord) -> Missing | None:
    """Return why a run says nothing of what is told of a fault: its program never came back to tell it."""
    if any(process.blocked and process.ended is None for process in run.processes):
        return (
            "it never came back from the call, so that nothing shows what it tells",
            "give the call a time-out",
        )
    return None


def _cut_off(run: RunRecord, call: CallRecord) -> bool:
    healed = max((fault.healed_at or 0.0 for fault in run.faults), default=0.0)
    ended_by_us = bool(run.processes) and run.processes[-1].told_to_end
    return call.ended is None and ended_by_us and bool(run.faults) and call.began >= healed


def uses(run: RunRecord, service: str) -> bool:
    """Tell whether anything was exchanged with the service; of an unknown protocol, whether it was connected to."""
    return any(
        message.service == service and (message.side != "-" or message.message == "connected")
        for message in run.messages
    )


def never_answered(run: RunRecord, call: CallRecord, deadline: float) -> bool:
    """Tell whether a call got no answer in its time, rather than that the run ended while it was under way."""
    if call.ended is not None:
        return False
    process = next((each for each in reversed(run.processes) if each.began <= call.began), None)
    if process is None or process.ended is None:
        return True
    return process.ended - call.began >= deadline


def said(run: RunRecord, level: int) -> bool:
    """Tell whether anything was logged at a level or above since the first fault, or reads like an error."""
    since = run.first_receipt or 0.0
    texts = [line for line in run.logs if line.at >= since]
    if any(level_in(line) >= level or _SAYS_SO.search(line.text) for line in texts):
        return True
    return not run.logs and any(_SAYS_SO.search(process.stderr) for process in run.processes)


def _missing_clean(clean: RunRecord, service: str | None) -> Missing | None:
    if not worked(clean):
        return (
            f"the undisturbed run of {clean.workload!r} did not work ({_ending(clean)})",
            "make it run without faults first; its output is in the report",
        )
    if service is not None and not uses(clean, service):
        return (
            f"the undisturbed run of {clean.workload!r} had no traffic to {service!r} through the proxy",
            f"under `services.{service}.env` name the variable that the code reads, or do not declare its use",
        )
    return missing_path(clean)


def _missing_faults(run: RunRecord) -> Missing | None:
    for fault in run.faults:
        name = fault_name(fault)
        if fault.impossible is not None:
            return f"{name} cannot be made here: {fault.impossible}", "run the gate where it can be made"
        if not fault.receipts:
            return (
                f"{name} never fired",
                "let the workload reach that point: more data, more calls, or a longer run",
            )
    return None if run.faults else ("no fault was ordered", "order one")


def fault_name(fault: FaultRecord) -> str:
    """Return `reset on labs`, the fault in words."""
    order = fault.order
    status = order.attributes.get("status") or order.attributes.get("sqlstate")
    what = order.kind if status is None else f"{order.kind} {status}"
    return what if order.on is None else f"{what} on {order.on}"


def _ending(run: RunRecord) -> str:
    failed = [call for call in run.calls if not call.succeeded]
    if failed:
        return f"call {failed[0].number}: {failed[0].outcome} {failed[0].message}".strip()
    if run.exit_code is None:
        return "it had not ended at its deadline" if run.processes else "it never started"
    return f"exit status {run.exit_code}"
