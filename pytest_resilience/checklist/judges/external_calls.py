"""Item 1: a service that fails ends in a domain error, a documented fallback, or a clean exit, in time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from pytest_resilience.chaos.configuration.model import Boundary, WorkloadDeclaration
from pytest_resilience.chaos.expectations.log_levels import ERROR, WARNING
from pytest_resilience.chaos.explore.wholeness import in_words
from pytest_resilience.chaos.run.record import CallRecord, ProcessRecord, RunRecord
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.libraries import is_raw
from pytest_resilience.checklist.judges.never_back import never_back
from pytest_resilience.checklist.judges.proof import (
    fault_name,
    missing_proof,
    never_answered,
    said,
    uses,
)
from pytest_resilience.checklist.records.attempts import CONNECT, attempts
from pytest_resilience.checklist.records.log_lines import SAY_WHERE, unread_errors
from pytest_resilience.checklist.records.tracebacks import tracebacks
from pytest_resilience.checklist.thresholds import BLOCKED_DEADLINES
from pytest_resilience.checklist.verdict import Evidence

ITEM = "external-calls"

_BARE_PAGE = re.compile(r"^\s*(?:<|internal server error\b|traceback\b)|^\s*$", re.IGNORECASE)
_TRANSLATE = (
    "catch it at the call and raise an error of your own `from` it, say what failed and what to do, "
    "or return a documented fallback and log that"
)
_LOOK = (
    "take for an answer what is one: look at its status, its content type and whether all of it is there, and raise "
    "where it is not"
)
DECLARE = "declare it under `services`, with the variable that holds its address, and name it in the workload's `uses`"

Finding = tuple[str, str]
"""Why it fails, and what to do."""


def judge(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    boundary: Boundary = "application",
    may_go_unseen: bool = False,
    replay: str = "",
) -> Evidence:
    """Return what one fault of one service shows.

    Args:
        run: under the fault; `states` are compared where they were read.
        clean: the undisturbed run.
        workload: the code under test.
        service: the one that failed.
        boundary: who calls the code.
        may_go_unseen: code that does not read the reply may rightly take what it got for success.
        replay: tries it again.
    """
    name = fault_name(run.faults[0]) if run.faults else "no fault"
    case = Case(item=ITEM, subject=subject_of(workload.name, service, name), replay=replay)
    if clean.processes + clean.calls and not uses(clean, service) and not clean.bypasses:
        return case.not_applicable(f"the undisturbed run makes no call to {service!r}")
    if missing := missing_proof(run, service=service, clean=clean):
        return case.unproven(*missing)
    findings = chain(
        _findings(run, workload, boundary), _wrong_end(run, clean, workload), _kept(run, workload)
    )
    finding = next(findings, None) or never_back(run, clean, workload)
    swallowed = next(_swallowed(run, clean, service), None)
    if finding is None and swallowed is not None and may_go_unseen:
        return case.not_applicable("the code takes what it got for an answer")
    finding = finding or swallowed
    if finding is not None:
        return case.failed(*finding)
    return case.passed(*_warnings(run), *_other_rows(run, clean, workload), *_undeclared(clean))


def _findings(run: RunRecord, workload: WorkloadDeclaration, boundary: Boundary) -> Iterator[Finding]:
    yield from _blocked(run, workload)
    yield from _crashed(run, workload)
    if boundary == "application":
        yield from raw_ends(run)
    yield from _bare_pages(run)


def raw_ends(run: RunRecord) -> Iterator[Finding]:
    """Yield where a library's exception left the code under test as it was."""
    yield from _raw_calls(run)
    yield from _raw_exits(run)


def is_blocked(run: RunRecord, workload: WorkloadDeclaration) -> bool:
    """Whether it took longer than it may by its deadline, or did not end."""
    return any(True for _ in _blocked(run, workload))


def _blocked(run: RunRecord, workload: WorkloadDeclaration) -> Iterator[Finding]:
    limit = BLOCKED_DEADLINES * workload.deadline
    fix = (
        "give every call a time-out (connect and read), and the whole operation a deadline: a time-out for reading "
        "starts anew with each byte that trickles in"
    )
    if run.time_scale > 1:
        fix += "; no time_scale shortens those of sockets, so that they want to be short in tests"
    if workload.shape == "job":
        for process in run.processes:
            lasted = (process.ended if process.ended is not None else run.duration) - process.began
            if process.blocked and (process.ended is None or lasted > limit):
                yield (
                    f"still running after {max(lasted, limit):.3g} s, its deadline is {workload.deadline:g} s",
                    fix,
                )
            elif process.blocked:
                yield f"ended after {lasted:.3g} s, its deadline is {workload.deadline:g} s", fix
    for call in run.calls:
        late = call.ended is not None and call.ended - call.began > limit
        if late or never_answered(run, call, workload.deadline):
            lasted = limit if call.ended is None else call.ended - call.began
            yield f"call {call.number} was still waiting after {lasted:.3g} s", fix


def _crashed(run: RunRecord, workload: WorkloadDeclaration) -> Iterator[Finding]:
    for process in run.processes:
        code = process.exit_code
        if (
            code is not None
            and code >= 128
            and not process.killed
            and process.ended is not None
            and workload.shape == "job"
        ):
            yield (
                f"the process died of signal {code - 128}",
                "find the crash in its output; an error must not end it so",
            )
    last = run.processes[-1] if run.processes else None
    if workload.shape == "server" and last is not None and last.ended_by_itself:
        yield (
            f"the server ended by itself with status {last.exit_code}",
            "handle the error in the request, and let the server live",
        )


def _raw_calls(run: RunRecord) -> Iterator[Finding]:
    for call in run.calls:
        if call.outcome == "raised" and call.error and is_raw(call.error):
            yield f"call {call.number} raised {call.error[0]}, a library's own exception", _TRANSLATE


def _raw_exits(run: RunRecord) -> Iterator[Finding]:
    for process in run.processes:
        for found in tracebacks(process.stderr):
            if (found.in_thread or (found.uncaught and _failed(process))) and is_raw(found.classes):
                where = "a thread or task" if found.in_thread else "the program"
                yield f"{found.classes[0]} ended {where} with a bare traceback", _TRANSLATE


def _failed(process: ProcessRecord) -> bool:
    return process.exit_code not in {None, 0} and not process.told_to_end


def _bare_pages(run: RunRecord) -> Iterator[Finding]:
    """A framework's own 500 page is handled only where the error was logged."""
    for call in run.calls:
        if call.outcome == "500" and _BARE_PAGE.search(call.message) and not said(run, ERROR):
            yield (
                f"request {call.number} was answered with the framework's own page for 500, and nothing was logged",
                "answer with a status and a message of your own, or log the error where the framework catches it",
            )


def _kept(run: RunRecord, workload: WorkloadDeclaration) -> Iterator[Finding]:
    """What a server keeps that was looked at while it still lived, when its last requests were answered."""
    if workload.shape == "server" and run.held:
        for leak in run.leaks:
            yield (
                f"when the fault was over and nothing was asked any more, it kept what it does not undisturbed: {leak}",
                "give each connection back, or close it, in a `finally` or a `with`, and roll back what failed",
            )


def _wrong_end(run: RunRecord, clean: RunRecord, workload: WorkloadDeclaration) -> Iterator[Finding]:
    """A job that takes what is no answer for one, or for the end of all answers, and leaves other rows."""
    if not said(run, WARNING):
        fix = SAY_WHERE if unread_errors(run) else _LOOK
        for told in _left_otherwise(run, clean, workload):
            yield f"success was reported and nothing was logged, but {told}", fix


def _other_rows(run: RunRecord, clean: RunRecord, workload: WorkloadDeclaration) -> Iterator[str]:
    """A job that says in its log what it could not do, and to who started it that all is done."""
    if said(run, ERROR):
        for told in _left_otherwise(run, clean, workload):
            yield f"an error was logged and success reported, but {told}: nothing starts it again"


def _left_otherwise(run: RunRecord, clean: RunRecord, workload: WorkloadDeclaration) -> Iterator[str]:
    """Yield in what a job that reports success left its services otherwise than undisturbed."""
    if workload.shape != "job" or not _reports_success(run):
        return
    for service in run.states.keys() & clean.states.keys():
        if told := in_words(clean.states[service], run.states[service]):
            yield told


def _swallowed(run: RunRecord, clean: RunRecord, service: str) -> Iterator[Finding]:
    """Success that is reported although the service was never reached."""
    if all(attempt.what == CONNECT for attempt in attempts(clean, service)):
        return  # nothing but connections is known of it, so no exchange can be missed
    if not _reports_success(run) or _reached(run, service) or said(run, WARNING):
        return
    yield (
        f"success was reported although no exchange with {service!r} succeeded after the fault, and nothing was logged",
        SAY_WHERE
        if unread_errors(run)
        else "do not swallow the error: raise it, or log the fallback that was taken at WARNING or above",
    )


def _reports_success(run: RunRecord) -> bool:
    if run.calls:
        since = run.first_receipt or 0.0
        return any(call.succeeded for call in run.calls if (call.ended or 0.0) >= since)
    return run.exit_code == 0


def _reached(run: RunRecord, service: str) -> bool:
    """Whether what the fault struck, or anything where that is not known, succeeded afterwards."""
    tried = attempts(run, service)
    struck = [attempt for attempt in tried if attempt.kind is not None]
    names = {attempt.what for attempt in struck}
    since = min((attempt.began for attempt in struck), default=run.first_receipt or 0.0)
    return any(
        attempt.succeeded and attempt.kind in {None, "delay", "slow"} and (attempt.ended or 0.0) >= since
        for attempt in tried
        if (attempt.what in names if names else not attempt.is_prelude)
    )


def _undeclared(clean: RunRecord) -> Iterator[str]:
    if clean.outside:
        yield (
            f"it is connected to {' and '.join(clean.outside)} too, for which no service is declared, so that nothing "
            f"shows what it does where that fails: {DECLARE}"
        )


def _warnings(run: RunRecord) -> Iterator[str]:
    without: list[CallRecord] = [c for c in run.calls if c.outcome == "raised" and len(c.error) == 1]
    if without:
        yield f"{without[0].error[0]} keeps no cause: raise it `from` the library's exception"
    if any(found.uncaught for process in run.processes for found in tracebacks(process.stderr)):
        yield "the error ends the program with a traceback: print its message instead, and exit with a status"
