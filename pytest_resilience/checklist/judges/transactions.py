"""Item 3: whatever is cut, the tables are as at a commit of the undisturbed run; recovery makes each effect once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.expectations.log_levels import WARNING
from pytest_resilience.chaos.explore.wholeness import (
    Break,
    WrongState,
    at_no_commit,
    has_operations,
    in_words,
    knows_order,
    wrong_state,
)
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.state.difference import count
from pytest_resilience.checklist.judges.answered_rows import WrongCount, wrong_counts
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import fault_name, missing_proof, said, worked
from pytest_resilience.checklist.records.writes import most_writes
from pytest_resilience.checklist.verdict import Evidence

ITEM = "transactions"
OUTAGE = "lost for good in the middle of the work"
_ONE = "put the statements that belong together into one transaction, and commit once"
_REPORTED = "report success after COMMIT was answered"
_ANSWER = (
    f"{_REPORTED}, and answer with a failure otherwise; where a call is meant to succeed without its rows, say so in a "
    "waiver"
)
_ONCE = (
    "make a second try harmless: a unique key with ON CONFLICT, or a marker row in the same transaction "
    "that tells whether a COMMIT without an answer was done"
)
_GIVEN_UP = (
    "once the retries are over, let the error end the work, or count what was not stored and end with a status "
    "other than 0, so that whoever started it knows"
)
_IN_TIME = "give up in time: a time-out and a bound on retries, both well below the workload's deadline"
_WITH_ROWS = "save how far it is in the same transaction as the rows that it stands for"
_AGAIN = "run the whole transaction again, from its first statement, on SQLSTATE 40001 and 40P01"
_FIXES: Mapping[Break, str] = {
    "torn": _ONE,
    "reported": f"{_REPORTED}; {_ONCE}",
    "recovered": _ONCE,
    "half": _ONE + '; or, where something starts it again after a crash, declare resume = "rerun"',
}
_UNCOUNTED = "which may be right: how many requests a server gets differs from run to run"
_DECLARE = "declare what holds of its tables at every moment: [[workloads.NAME.atomic]]"
_UNCOMPARED = "the state after each cut was not compared, the end was; say what always holds under `atomic`"
_TOO_MANY = f"it has more commits than states were read of: {_UNCOMPARED}"
_ANY_ORDER = f"its connections write at the same time and commit in any order: {_UNCOMPARED}"


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
    if (reason := why_not_asked(clean, workload=workload, service=service)) is not None:
        return case.not_applicable(reason)
    if missing := missing_proof(run, service=service, clean=clean) or _missing_states(run, clean, service):
        return case.unproven(*missing)
    return _judge_states(case, run, clean, workload, service)


def judge_outage(
    run: RunRecord, *, clean: RunRecord, workload: WorkloadDeclaration, service: str, replay: str = ""
) -> Evidence:
    """Return what an outage left behind that no retry outlasts.

    Args:
        run: with the outage during its first start, and without it during the next, where there was one.
        clean: the undisturbed run, with its `boundaries` and its end.
        workload: the code under test.
        service: the database.
        replay: tries it again.
    """
    case = Case(item=ITEM, subject=subject_of(workload.name, service), replay=replay)
    first = _first_start(run)
    if first.processes and first.processes[0].blocked:
        return case.unproven(f"{OUTAGE}: it had not ended at twice its deadline", _IN_TIME)
    succeeded = worked(first)
    decided = first if succeeded or len(run.processes) < 2 else run
    told = judge(decided, clean=clean, workload=workload, service=service, replay=replay)
    fix = _GIVEN_UP if told.outcome == "failed" and succeeded else told.fix
    return replace(told, subject=case.subject, why=told.why and f"{OUTAGE}: {told.why}", fix=fix)


def _first_start(run: RunRecord) -> RunRecord:
    """Return a run as if its first start had been its only one."""
    ended = run.processes[0].ended if run.processes else None
    calls = tuple(call for call in run.calls if ended is None or call.began <= ended)
    states = run.states_between[0] if run.states_between else {}
    return replace(run, processes=run.processes[:1], calls=calls, states=states)


def why_not_asked(clean: RunRecord, *, workload: WorkloadDeclaration, service: str) -> str | None:
    """Return why an undisturbed run needs no transaction on a service; none where it does, or nobody can tell.

    Functions of the database write without saying so: there the states tell.
    """
    writes, changes = most_writes(clean, service), len(clean.boundaries.get(service, ())) - 1
    if clean.bypasses or writes > 1 or (changes > 1 and not has_operations(workload)):
        return None
    if writes == 0 and changes > 0:
        return None
    return f"no operation of it has more than one writing statement on {service} (at most {writes})"


def _rolled_back(run: RunRecord, service: str) -> int:
    """Return how many commits were answered with a rollback: of a transaction that had failed already."""
    asked: dict[int, bool] = {}
    undone = 0
    for message in (each for each in run.messages if each.service == service):
        if message.side == "request" and message.message in {"Query", "Parse"}:
            asked[message.connection] = (message.shape or "").strip(" ;").upper() in {"COMMIT", "END"}
        elif message.message == "CommandComplete" and message.shape == "ROLLBACK":
            undone += asked.get(message.connection, False)
    return undone


def _missing_states(run: RunRecord, clean: RunRecord, service: str) -> tuple[str, str] | None:
    if undone := _rolled_back(clean, service):
        return (
            f"undisturbed, {count(undone, 'COMMIT')} of it ended in a ROLLBACK: a statement before it had failed",
            "make it run without errors first, and stop at the first one (psql: ON_ERROR_STOP)",
        )
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
    wrong = wrong_state(run, clean=clean, workload=workload, service=service)
    if run.violations:
        return case.failed(*_broken(run.violations[0], wrong))
    again = (
        _must_run_again(run) and run.states[service] != clean.states[service] and workload.shape != "server"
    )
    if again and not worked(run) and (wrong is None or wrong.broken not in {"torn", "reported"}):
        told = in_words(clean.states[service], run.states[service])
        return case.failed(f"after a serialization failure the unit was not run again: {told}", _AGAIN)
    if wrong is not None:
        return case.failed(wrong.words, _fix_of(wrong))
    if has_operations(workload) and (counted := next(wrong_counts(run, clean, service), None)):
        return _judge_counted(case, run, counted)
    known = (*clean.boundaries[service], clean.states[service])
    if workload.shape == "server" and run.states[service] not in known and not workload.atomic:
        told = at_no_commit(known, run.states[service])
        return case.unproven(f"{told}; {_UNCOUNTED}", _DECLARE)
    uncompared = _ANY_ORDER if clean.boundaries_complete else _TOO_MANY
    return case.passed(*(() if knows_order(clean, service) else (uncompared,)))


def _judge_counted(case: Case, run: RunRecord, found: WrongCount) -> Evidence:
    if found.fate == "doubled":
        return case.failed(found.words, _ONCE)
    if said(run, WARNING):
        return case.unproven(f"{found.words}, and the log says that something went wrong", _ANSWER)
    return case.failed(found.words, _REPORTED)


def _broken(violation: str, wrong: WrongState | None) -> tuple[str, str]:
    """Return why and what to do, where a statement did not hold: for what else is wrong, which may be its cause."""
    why = f"an `atomic` statement was {violation}"
    if wrong is None or wrong.broken == "torn":
        return why, _ONE
    return f"{wrong.words}; {why}", _fix_of(wrong)


def _fix_of(wrong: WrongState) -> str:
    """Return what to do; where rows are lost alone, no key makes them come back."""
    lost = "lost" in wrong.words and "doubled" not in wrong.words
    return f"{_REPORTED}; {_WITH_ROWS}" if lost and wrong.broken == "reported" else _FIXES[wrong.broken]


def _must_run_again(run: RunRecord) -> bool:
    return any(str(fault.order.attributes.get("sqlstate")) in {"40001", "40P01"} for fault in run.faults)
