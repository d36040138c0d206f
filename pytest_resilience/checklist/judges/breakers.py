"""Item 8: after some failures requests stop, calls are refused fast, one trial at a time looks whether it is back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile, pairwise
from statistics import median

from pytest_resilience.chaos.configuration.model import ServiceKind, WorkloadDeclaration
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.judges.breaker_calls import (
    Seen,
    calls_seen,
    failures_before,
    operations,
    over,
    real,
    reset_period,
    trials,
)
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import Missing, fault_name, missing_proof, uses
from pytest_resilience.checklist.thresholds import (
    BREAKER_CALLS,
    BREAKER_FAILURES,
    FAST_FAILURE,
    FAST_PART,
    OTHER_WORK,
    RESET_PERIODS,
    SLOW_PART,
    TRIALS_AT_ONCE,
)
from pytest_resilience.checklist.verdict import Evidence

ITEM = "breakers"
_ADD = "put a circuit breaker around calls to it: open after 5 failures in a row, refuse at once, try one a pause later"
_FEW_CONNECTIONS = 5
"""Connections of a job to a database that no breaker would help."""


def judge(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    kind: ServiceKind = "http",
    replay: str = "",
) -> Evidence:
    """Return what calls to a service that is lost, and comes back, show.

    Args:
        run: calls at a fixed pace, the service lost from the start or from some call on, healed before the last ones.
        clean: the undisturbed run.
        workload: the code under test.
        service: the one that is lost.
        kind: what it speaks.
        replay: tries it again.
    """
    name = fault_name(run.faults[0]) if run.faults else "no fault"
    case = Case(item=ITEM, subject=subject_of(workload.name, service, name), replay=replay)
    if not uses(clean, service) and not clean.bypasses:
        return case.not_applicable(f"the undisturbed run makes no call to {service!r}")
    if missing := missing_proof(run, service=service, clean=clean):
        return case.unproven(*missing)
    if workload.shape == "job":
        return _judge_job(case, run, clean, service, kind)
    return _judge_calls(case, run, service, clean)


def _judge_job(case: Case, run: RunRecord, clean: RunRecord, service: str, kind: ServiceKind) -> Evidence:
    connections = {message.connection for message in clean.messages if message.service == service}
    if kind == "postgres" and len(connections) <= _FEW_CONNECTIONS:
        return case.not_applicable(
            f"a job that talks to a database in {len(connections)} connections needs no breaker"
        )
    usual, lost = len(real(clean, service)), len(real(run, service))
    if usual < BREAKER_CALLS:
        return case.not_applicable(
            f"a short job: {usual} calls, fewer than the {BREAKER_CALLS} that show a breaker"
        )
    if lost <= BREAKER_FAILURES:
        return case.not_applicable(
            f"the job ends after {lost} failures, nothing goes on that a breaker could refuse"
        )
    return case.failed(f"with {service!r} lost the job sent it {lost} requests, {usual} undisturbed", _ADD)


def _judge_calls(case: Case, run: RunRecord, service: str, clean: RunRecord) -> Evidence:
    healed = max(
        (fault.healed_at for fault in run.faults if fault.healed_at is not None), default=float("inf")
    )
    since = run.first_receipt or 0.0
    seen = calls_seen(run, service, clean)
    lost = [one for one in seen if since <= (one.call.ended or float("inf")) and one.call.began < healed]
    if missing := _too_few(lost, service):
        return case.unproven(*missing)
    lost = list(dropwhile(lambda one: not one.tries, lost))
    usual_work = OTHER_WORK * _other_work([one for one in seen if one.call.began >= healed])
    limit = max(FAST_FAILURE * run.time_scale, FAST_PART * _slowest(lost), usual_work)
    opened = next((at for at, one in enumerate(lost) if not one.tries), None)
    failures = failures_before([one.call for one in lost[:opened]])
    if opened is None and failures <= BREAKER_FAILURES:
        return case.unproven(
            f"only {failures} calls had failed when the last of {len(lost)} was made: they wait for each other",
            "let a call give up sooner, so that more of them end while the service is lost",
        )
    if opened is None:
        return _judge_unopened(case, lost)
    if failures > BREAKER_FAILURES:
        return case.failed(
            f"requests stopped after {failures} failed calls, more than {BREAKER_FAILURES}",
            "lower the failure threshold",
        )
    if (under_way := over(lost[:opened])) > healed:
        return case.unproven(
            f"{service!r} was back before the calls that began while it was lost were over: they may have closed it",
            "let a call give up sooner",
        )
    after = [one for one in seen if one.call.began >= healed]
    usual = max(1.0, sum(one.tries for one in lost[:opened]) / max(1, failures))
    return _judge_open(case, lost, opened, limit, usual) or _judge_healed(
        case, [one.since(under_way) for one in lost[opened:]], after, healed
    )


def _too_few(lost: Sequence[Seen], service: str) -> Missing | None:
    """Return what nobody can tell for want of calls while the service is lost, and what to do."""
    if len(lost) <= BREAKER_FAILURES:
        return (
            f"only {len(lost)} calls were made while {service!r} was lost",
            (
                f"declare calls = {BREAKER_CALLS} and a pace (`every`) that lets them fall into the fault; "
                "if you have, let a call that fails give up sooner, for the fault is over before more of them have"
            ),
        )
    if not any(one.tries for one in lost):
        return (
            f"none of {len(lost)} calls sent {service!r} anything while it was lost",
            "declare calls that need it, so that the first of them fail",
        )
    return None


def _judge_unopened(case: Case, lost: Sequence[Seen]) -> Evidence:
    """Judge calls in whose time something always went out: where they overlap, it may be another's."""
    went_out = len({attempt for one in lost for attempt in one.attempts})
    if went_out < len(lost):
        return case.unproven(
            f"{went_out} requests went out in {len(lost)} calls at the same time: which sent one nobody can tell",
            "let a call give up sooner, so that fewer are under way at once",
        )
    return case.failed(f"{went_out} requests went out in {len(lost)} calls: one for one", _ADD)


def _slowest(lost: Sequence[Seen]) -> float:
    """Return what a call usually takes that reaches the lost service."""
    took = [one.lasted for one in lost if one.tries and one.lasted != float("inf")]
    return median(took) if took else 0.0


def _other_work(after: Sequence[Seen]) -> float:
    """Return what a call takes beside its requests to the service, here and now: a refusal takes it too."""
    went_well = [one for one in after if one.tries and one.call.succeeded]
    took = [
        one.lasted - sum((each.ended or each.began) - each.began for each in one.attempts)
        for one in went_well
    ]
    return median(took) if took else 0.0


def _judge_open(case: Case, lost: Sequence[Seen], opened: int, limit: float, usual: float) -> Evidence | None:
    silent = [one for one in lost[opened:] if not one.tries]
    slow = [one for one in silent if one.lasted > limit]
    if len(slow) > SLOW_PART * len(silent):
        return case.failed(
            f"{len(slow)} of {len(silent)} calls sent no request and still took long, call {slow[0].call.number} "
            f"{slow[0].lasted:.3g} s, a refusal takes {limit:.3g} s at most: calls block",
            "refuse at once while open; do not wait inside, and do not retry what an open breaker refused",
        )
    crowds = [operations(crowd, usual) for crowd in trials(lost[opened:])]
    if crowds and max(crowds) > TRIALS_AT_ONCE:
        return case.failed(
            f"{max(crowds)} trial calls in a row went out to a service that is still lost",
            "let one trial through when the reset period is over, and refuse the others until it is answered",
        )
    refused = sum(not one.tries for one in lost[opened:])
    if refused < len(lost[opened:]) / 2:
        return case.failed(
            f"after it opened {len(lost[opened:]) - refused} of {len(lost[opened:])} calls went out", _ADD
        )
    return None


def _judge_healed(case: Case, opened: Sequence[Seen], after: Sequence[Seen], healed: float) -> Evidence:
    period = reset_period(opened)
    if not after:
        return case.unproven("no call was made after the service was back", "more calls, or a shorter fault")
    normal = next((one for one in after if one.tries and one.call.succeeded), None)
    last = after[-1].call.began - healed
    if normal is None:
        if period is None or last < RESET_PERIODS * period:
            return case.unproven(
                f"{last:.3g} s after the service was back it was not tried again; the reset period is not over",
                "let calls go on longer (`calls`, `every`), or shorten the reset period in tests, or set time_scale",
            )
        return case.failed(
            f"{last:.3g} s after the service was back calls still do not reach it", "try again, for ever"
        )
    waited = normal.call.began - healed
    if period is not None and waited > RESET_PERIODS * period + _pace(after):
        return case.failed(
            f"calls were normal {waited:.3g} s after the service was back, later than {RESET_PERIODS:g} reset periods "
            f"of {period:.3g} s",
            "close after the first trial that succeeds",
        )
    return case.passed(*_failing_later(after, normal))


def _pace(calls: Sequence[Seen]) -> float:
    gaps = [after.call.began - before.call.began for before, after in pairwise(calls)]
    return max(gaps, default=0.0)


def _failing_later(after: Sequence[Seen], normal: Seen) -> list[str]:
    later = [one for one in after if one.call.began > normal.call.began and not one.call.succeeded]
    return [f"{len(later)} calls failed after the first that succeeded"] if later else []


def judge_isolation(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    lost: str,
    other: str,
    replay: str = "",
) -> Evidence:
    """Return whether the loss of one service keeps calls from another.

    Args:
        run: with `lost` lost.
        clean: the undisturbed run, which uses both.
        workload: the code under test.
        lost: the service that is lost.
        other: the one that is well.
        replay: tries it again.
    """
    case = Case(item=ITEM, subject=subject_of(workload.name, other, f"{lost} lost"), replay=replay)
    if not uses(clean, other):
        return case.not_applicable(f"the undisturbed run makes no call to {other!r}")
    if missing := missing_proof(run, service=lost, clean=clean):
        return case.unproven(*missing)
    since = run.first_receipt or 0.0
    without = [one for one in calls_seen(run, lost, clean) if one.call.began >= since and not one.tries]
    opened = {one.call.number for one in without}
    if not opened:
        return case.unproven(f"no breaker of {lost!r} was seen open", _ADD)
    if any(one.tries for one in calls_seen(run, other, clean) if one.call.number in opened):
        return case.passed()
    if any(one.call.succeeded for one in without):
        return case.failed(
            f"while calls to {lost!r} are refused, none reaches {other!r} either",
            "give each service a breaker of its own",
        )
    return case.unproven(
        f"each call ends at {lost!r} and never comes to {other!r}", "declare a function that uses it alone"
    )
