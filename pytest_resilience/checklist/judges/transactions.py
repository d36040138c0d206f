"""Item 3: whatever is cut, the tables are as at a commit of the undisturbed run; recovery makes each effect once."""

from __future__ import annotations

from typing import Any

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import fault_name, missing_proof, uses, worked
from pytest_resilience.checklist.judges.states import in_words
from pytest_resilience.checklist.records.writes import most_writes
from pytest_resilience.checklist.verdict import Evidence

ITEM = "transactions"
_ONE = "put the statements that belong together into one transaction, and commit once"
_ONCE = (
    "make a second try harmless: a unique key with ON CONFLICT, or a marker row in the same transaction "
    "that tells whether a COMMIT without an answer was done"
)


def judge(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    point: str = "",
    replay: str = "",
) -> Evidence:
    """Return what one cut of a database's conversation left behind.

    Args:
        run: with one fault; `states_between` and `states` are read.
        clean: the undisturbed run, with its `boundaries` and its end.
        workload: the code under test.
        service: the database.
        point: where it was cut, in words.
        replay: tries it again.
    """
    name = point or (fault_name(run.faults[0]) if run.faults else "no fault")
    case = Case(item=ITEM, subject=subject_of(workload.name, service, name), replay=replay)
    if not clean.bypasses and (not uses(clean, service) or most_writes(clean, service) <= 1):
        count = most_writes(clean, service)
        return case.not_applicable(
            f"no operation of it has more than one writing statement (at most {count})"
        )
    if missing := missing_proof(run, service=service, clean=clean) or _missing_states(run, clean, service):
        return case.unproven(*missing)
    return _judge_states(case, run, clean, workload, service)


def _missing_states(run: RunRecord, clean: RunRecord, service: str) -> tuple[str, str] | None:
    if service not in run.states or service not in clean.states:
        return "the tables were not read after the run", "let the harness reach the database around the proxy"
    if not clean.boundaries.get(service):
        return (
            "the states at the undisturbed run's commits are not known",
            "run it again; it needs one connection",
        )
    return None


def _judge_states(
    case: Case, run: RunRecord, clean: RunRecord, workload: WorkloadDeclaration, service: str
) -> Evidence:
    if run.violations:
        return case.failed(f"an `atomic` statement was {run.violations[0]}", _ONE)
    allowed = (*clean.boundaries[service], clean.states[service])
    for seen in _after_cuts(run, service):
        if seen not in allowed and clean.boundaries_complete:
            return case.failed(
                f"after the cut the tables are as at no commit: {_nearest(allowed, seen)}", _ONE
            )
    return _judge_end(case, run, clean, workload, service)


def _after_cuts(run: RunRecord, service: str) -> list[Any]:
    """Return the states before each restart; what the last of several starts left is judged as the end."""
    restarts = len(run.processes) - 1
    if restarts < 1:
        return [run.states[service]]
    return [states.get(service) for states in run.states_between[:restarts]]


def _judge_end(
    case: Case, run: RunRecord, clean: RunRecord, workload: WorkloadDeclaration, service: str
) -> Evidence:
    before, end, seen = clean.boundaries[service][0], clean.states[service], run.states[service]
    if seen == end:
        return case.passed()
    told = in_words(end, seen)
    if worked(run):
        return case.failed(
            f"success was reported, but {told}", "report success after COMMIT was answered; " + _ONCE
        )
    if _must_run_again(run):
        return case.failed(
            f"after a serialization failure the unit was not run again: {told}",
            "run the whole transaction again, from its first statement, on SQLSTATE 40001 and 40P01",
        )
    if workload.resume == "rerun":
        return case.failed(f"after {len(run.processes) - 1} restarts {told}", _ONCE)
    if seen == before:
        return case.passed()
    return case.failed(f"it ended neither as before nor as after: {told}", _ONE)


def _must_run_again(run: RunRecord) -> bool:
    return any(str(fault.order.attributes.get("sqlstate")) in {"40001", "40P01"} for fault in run.faults)


def _nearest(allowed: tuple[Any, ...], seen: Any) -> str:
    """Return the difference to the state that it is least different from, in words."""
    return min((in_words(state, seen) for state in allowed), key=len)
