"""Item 4: killed anywhere and started again, it ends with the same rows, and does not begin from zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.expectations.log_levels import WARNING, level_in
from pytest_resilience.chaos.explore.at_once import writers_at_once
from pytest_resilience.chaos.explore.wholeness import in_words
from pytest_resilience.chaos.points.of_http import http_request
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.state.difference import count
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import fault_name, missing_proof, uses
from pytest_resilience.checklist.records.writes import batches, sent
from pytest_resilience.checklist.thresholds import REDONE_PART
from pytest_resilience.checklist.verdict import Evidence

ITEM = "checkpoints"
TOGETHER = "save the position in the same transaction as the rows it stands for, and resume from it"
_ANEW = (
    "killed after its work was done and a file was removed, it does all of it again at the next start: where that is "
    "not wanted, keep a mark of what is finished"
)


def judge_kill(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    point: str = "",
    removed: bool = False,
    replay: str = "",
) -> Evidence:
    """Return what a kill, and the restart after it, left behind.

    Args:
        run: killed at least once, and started again.
        clean: the undisturbed run.
        workload: the code under test.
        service: where the rows go.
        point: where it was killed, in words.
        removed: whether it had taken a file away before that, which may have been its checkpoint.
        replay: tries it again.
    """
    case = Case(item=ITEM, subject=subject_of(workload.name, service, point or "kill"), replay=replay)
    if early := _not_judged(case, run, clean, workload, service):
        return early
    told = _other_rows(run, clean, service)
    if told:
        return case.failed(f"killed and started again, it ends otherwise: {told}", TOGETHER)
    if run.exit_code not in {0, None}:
        return case.failed(
            f"started again after a kill it ends with status {run.exit_code}",
            "resume from what the killed run left",
        )
    if removed and _had_done_all(run, clean, service):
        return case.passed(*(() if _redone(run, clean, service) == 0 else (_ANEW,)))
    return _judge_redone(case, run, clean, service)


def judge_damaged(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    name: str,
    undelivered: Sequence[str] = (),
    replay: str = "",
) -> Evidence:
    """Return whether a damaged checkpoint is noticed.

    Args:
        run: killed, its checkpoint `name` damaged, started again.
        clean: the undisturbed run.
        workload: the code under test.
        service: where the rows go.
        name: of the damaged file.
        undelivered: what other services never got.
        replay: tries it again.
    """
    case = Case(item=ITEM, subject=subject_of(workload.name, service, f"damaged {name}"), replay=replay)
    if early := _not_judged(case, run, clean, workload, service):
        return early
    told = _other_rows(run, clean, service) or "; ".join(undelivered)
    said = any(level_in(line) >= WARNING for line in run.logs) or bool(run.processes[-1].stderr.strip())
    fix = "store a checksum, keep the previous checkpoint, and fall back to it, or stop and say so"
    if told and run.exit_code == 0:
        return case.failed(f"the damaged checkpoint was trusted: success was reported, but {told}", fix)
    if not told:
        return case.passed(*(() if said else ("a damaged checkpoint was replaced and nothing was logged",)))
    if not said:
        return case.failed(
            f"the damaged checkpoint stopped it, and nothing says so (status {run.exit_code})", fix
        )
    return case.passed("a damaged checkpoint stops it until somebody mends it: keep the previous one")


def _not_judged(
    case: Case, run: RunRecord, clean: RunRecord, workload: WorkloadDeclaration, service: str
) -> Evidence | None:
    if not workload.major_operation:
        return case.not_applicable("it is not declared as a major operation")
    if missing := missing_proof(run, service=service, clean=clean):
        return case.unproven(*missing)
    if uses(clean, service) and len(batches(clean, service)) <= 1:
        return case.not_applicable("all that it writes is one transaction: there is nothing to resume")
    if len(run.processes) < 2:
        return case.unproven(
            f"it was not started again after {fault_name(run.faults[0])}",
            'declare resume = "rerun", so that the same command is started again',
        )
    by_requests = not clean.states and sent(clean, service)
    if not by_requests and (service not in run.states or service not in clean.states):
        return case.unproven(
            "the rows were not read after the run", "let the harness reach the database directly"
        )
    return None


def _other_rows(run: RunRecord, clean: RunRecord, service: str) -> str:
    """Return what is other in the service's rows; of one that has none the requests tell."""
    return in_words(clean.states.get(service), run.states.get(service))


def _judge_redone(case: Case, run: RunRecord, clean: RunRecord, service: str) -> Evidence:
    """Judge how much was done again: a batch a restart of each that writes, or a part of all without batches.

    What the kill broke off was not done; what each start writes has room in the batch. Requests have no batches: a
    library may make a dozen for one call, in the middle of which nobody can go on.
    """
    by_requests = any(http_request(message) for message in clean.messages if message.service == service)
    sizes = batches(clean, service)
    total = sum(sizes)
    redone = _redone(run, clean, service)
    underway = max(1, writers_at_once(clean, service))
    allowed = max(max(sizes, default=0) * underway * (len(run.processes) - 1), 1)
    if redone <= max(allowed, REDONE_PART * total if len(sizes) < 2 or by_requests else 0):
        return case.passed()
    part = f"{100 * redone / total:.0f} % of all" if total else "more than all"
    what = f"{redone} statements, a batch has {max(sizes, default=0)}"
    return case.failed(
        f"after {count(len(run.processes) - 1, 'restart')} {part} was sent again "
        f"({count(redone, 'request') if by_requests else what}): it begins from zero",
        "note what is done, and do not send it again"
        if by_requests
        else f"{TOGETHER}; do not send again what is done",
    )


def _redone(run: RunRecord, clean: RunRecord, service: str) -> int:
    return max(0, sum(batches(run, service)) - sum(batches(clean, service)))


def _had_done_all(run: RunRecord, clean: RunRecord, service: str) -> bool:
    """Tell whether nothing was left to do at the last kill: the start after it is a new one, and resumes nothing."""
    killed_at = run.processes[-2].ended
    if killed_at is None:
        return False
    until = replace(run, messages=tuple(message for message in run.messages if message.at <= killed_at))
    return sum(batches(until, service)) >= sum(batches(clean, service))


def resumable(clean: RunRecord, workload: WorkloadDeclaration) -> str | None:
    """Return the service to which an undisturbed run writes most transactions, where they are more than one.

    One that keeps rows; where none does, one that is asked by HTTP to change something.
    """
    numbers = {
        name: len(batches(clean, name))
        for name in workload.uses
        if (name in clean.states or not clean.states) and uses(clean, name)
    }
    most = max(numbers, key=lambda name: numbers[name], default=None)
    return most if most is not None and numbers[most] > 1 else None
