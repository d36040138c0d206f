"""Judge what must not be tried again, or not yet: permanent errors, `Retry-After`, requests that change things."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import itemgetter

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import FaultRecord, RunRecord
from pytest_resilience.checklist.judges.backoff.episodes import Episode, episodes, whose_logins
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import Missing, fault_name, missing_proof, uses
from pytest_resilience.checklist.records.asides import asides
from pytest_resilience.checklist.records.attempts import CONNECT, Attempt, attempts
from pytest_resilience.checklist.records.deliveries import may_be_sent_again
from pytest_resilience.checklist.records.progress import progress
from pytest_resilience.checklist.records.windows import windows
from pytest_resilience.checklist.thresholds import CLOCK_NOISE, RETRY_AFTER_EARLY
from pytest_resilience.checklist.verdict import Evidence

ITEM = "backoff"
_PASSING = "time-outs, lost connections, 429, 503, SQLSTATE 08*, 40001, 40P01, 53300, 57P0*"
_NO_SQLSTATE = (
    "; where a login fails psycopg2 and psycopg give no SQLSTATE, the words `authentication failed` tell"
)


def repeats_change(attempt: Attempt) -> bool:
    """Tell whether to repeat it could do its work twice: sent, unanswered, and no request that may be repeated."""
    method, _, path = attempt.what.partition(" ")
    changes = method in {"POST", "PATCH"} and not may_be_sent_again(path)
    return changes and attempt.unanswered and attempt.keyed is not True


def judge_permanent(
    run: RunRecord, *, clean: RunRecord, workload: WorkloadDeclaration, service: str, replay: str = ""
) -> Evidence:
    """Return whether an error that stays is tried once: 400, 401, 404, 422, SQLSTATE 28* and 42*."""
    name = fault_name(run.faults[0]) if run.faults else "no fault"
    case = Case(item=ITEM, subject=subject_of(workload.name, service, f"permanent {name}"), replay=replay)
    if early := _not_judged(case, run, clean, service):
        return early
    code = _code(run.faults[0])
    found = [
        (_failures(episode, code) - max(1, _usual_of_one(clean, service, episode)), episode)
        for episode in _episodes(run, clean, service)
    ]
    if not found:
        return case.unproven("the fault struck no attempt", "let the workload reach it")
    too_many, most = max(found, key=itemgetter(0))
    if too_many <= 0:
        return case.passed()
    count = _failures(most, code)
    if asides(clean, service).connects and most.what == CONNECT:
        return case.not_applicable(whose_logins(workload.name, service))
    return case.failed(
        f"{most.what} was tried {count} times although {code} will not change",
        f"retry only what can pass: {_PASSING}" + (_NO_SQLSTATE if code.startswith("28") else ""),
    )


def judge_retry_after(
    run: RunRecord, *, clean: RunRecord, workload: WorkloadDeclaration, service: str, replay: str = ""
) -> Evidence:
    """Return whether the next attempt comes no earlier than the service asked for."""
    case = Case(item=ITEM, subject=subject_of(workload.name, service, "Retry-After"), replay=replay)
    if early := _not_judged(case, run, clean, service):
        return early
    asked = _retry_after(run.faults)
    if asked is None:
        return case.unproven(
            "no fault answered with Retry-After in seconds", "order `respond` with that header"
        )
    waits = [episode.waits[0] for episode in _episodes(run, clean, service) if episode.waits]
    least = asked * (1 - RETRY_AFTER_EARLY) - CLOCK_NOISE * run.time_scale
    if not waits or min(waits) >= least:
        return case.passed(*(() if waits else ("it was not tried again at all after Retry-After",)))
    return case.failed(
        f"the service asked for {asked:g} s (Retry-After), the next attempt came after {min(waits):.3g} s",
        "wait as long as Retry-After says (seconds, or a date) where that is longer than your own delay",
    )


def judge_repeats(
    runs: Sequence[RunRecord],
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    service: str,
    replay: str = "",
) -> Evidence:
    """Return whether a request that changes things is sent again although nobody knows if it was done."""
    case = Case(item=ITEM, subject=subject_of(workload.name, service, "repeats"), replay=replay)
    if not runs:
        return case.unproven(
            "no run lost a request after it was sent", "order `reset` and `hang` at requests"
        )
    for run in runs:
        if early := _not_judged(case, run, clean, service):
            return early
    if wrong := _wrong_key(runs, clean, service):
        return case.failed(*wrong)
    again = [
        episode
        for run in runs
        for episode in _episodes(run, clean, service)
        if _repeated(episode, run, clean, service)
    ]
    if not again:
        return case.passed(*_warnings(clean, service))
    what, lost = again[0].what, [attempt for attempt in again[0].tries if repeats_change(attempt)]
    if all(attempt.keyed is None for attempt in lost):
        return case.unproven(
            f"{what} was sent again after its answer was lost; whether it carries an idempotency key was not seen",
            "send an Idempotency-Key header that stays the same over all attempts, and the service must know it",
        )
    return case.failed(
        f"{what} was sent {len(again[0].tries)} times although its first answer was lost, with no idempotency key",
        "do not retry a POST or PATCH whose answer was lost, or send an Idempotency-Key that stays the same",
    )


def _episodes(run: RunRecord, clean: RunRecord, service: str) -> tuple[Episode, ...]:
    return episodes(run, service, asides=asides(clean, service), usual=progress(clean, service))


def _warnings(clean: RunRecord, service: str) -> Iterator[str]:
    if what := _shared_key(clean, service, alike=True):
        yield (
            f"undisturbed, {what} were sent under one idempotency key: where they are not the same, a service that "
            "knows it does the first alone"
        )


def _wrong_key(runs: Sequence[RunRecord], clean: RunRecord, service: str) -> tuple[str, str] | None:
    """Return what is wrong with idempotency keys, and what to do; none where nothing is."""
    if what := _shared_key(clean, service):
        why = f"undisturbed, {what} of different lengths were sent under one idempotency key"
        return (
            f"{why}: a service that knows it does the first alone",
            "make a key for each operation, from what tells it apart: the row's id, not the file's name",
        )
    if what := next(_new_keys(runs, clean, service), None):
        return (
            f"{what} was sent again under another idempotency key although its first answer was lost",
            "make the key once for an operation, before its first attempt, and send the same one with each",
        )
    return None


def _shared_key(clean: RunRecord, service: str, *, alike: bool = False) -> str | None:
    """Return which requests carry one key although nothing was lost; none where none do.

    Args:
        clean: the undisturbed run.
        service: whose requests are read.
        alike: also those that may be the same, for their bodies are as long.
    """
    first: dict[str | None, Attempt] = {}
    for attempt in _keyed(clean, service):
        known = first.setdefault(attempt.target, attempt)
        differs = None not in {known.body, attempt.body} and known.body != attempt.body
        if attempt.succeeded and known is not attempt and (differs or alike):
            return f"{known.what} and {attempt.what}" if known.what != attempt.what else f"two {known.what}"
    return None


def _new_keys(runs: Sequence[RunRecord], clean: RunRecord, service: str) -> Iterator[str]:
    """Yield what was lost, and sent under more keys in one call or process than it ever has undisturbed."""
    count = _keys_a_call if asides(clean, service).later else _most_keys
    usual = count(clean, _keyed(clean, service))
    for run in runs:
        keyed = _keyed(run, service)
        most = count(run, keyed)
        lost = sorted({each.what for each in keyed if each.failed and each.unanswered})
        yield from (what for what in lost if most[what] > usual[what] > 0)


def _keyed(run: RunRecord, service: str) -> list[Attempt]:
    return [each for each in attempts(run, service) if each.keyed and each.target]


def _keys_a_call(run: RunRecord, keyed: Sequence[Attempt]) -> Counter[str]:
    """Return how many keys each request has had for a call, rounded up, where what is put off goes out in batches.

    What was sent before anybody called is sent for no call, and is left out.
    """
    first = min(call.began for call in run.calls)
    own = {each.what for each in keyed if each.began < first}
    total = Counter(what for what, _ in {(each.what, each.target) for each in keyed} if what not in own)
    return Counter({what: -(-number // len(run.calls)) for what, number in total.items()})


def _most_keys(run: RunRecord, keyed: Sequence[Attempt]) -> Counter[str]:
    """Return how many keys each request has had in the call, or the process, in which it had most."""
    most: Counter[str] = Counter()
    for (began, ended), _ in windows(run):
        seen = {(each.what, each.target) for each in keyed if began <= each.began <= ended}
        most |= Counter(what for what, _ in seen)
    return most


def _repeated(episode: Episode, run: RunRecord, clean: RunRecord, service: str) -> bool:
    """Tell whether a lost request was sent again, and not the next one of its kind, of which a job may send many."""
    if len(episode.tries) < 2 or not any(repeats_change(attempt) for attempt in episode.tries[:-1]):
        return False
    usual = _usual(clean, service, episode.what)
    return usual <= 1 or sum(attempt.what == episode.what for attempt in attempts(run, service)) > usual


def _not_judged(case: Case, run: RunRecord, clean: RunRecord, service: str) -> Evidence | None:
    if not uses(clean, service) and not clean.bypasses:
        return case.not_applicable(f"the undisturbed run makes no call to {service!r}")
    missing: Missing | None = missing_proof(run, service=service, clean=clean)
    return None if missing is None else case.unproven(*missing)


def _usual(clean: RunRecord, service: str, what: str) -> int:
    """Return how often a job sends it when nothing is broken; each call of a function is seen alone."""
    return 1 if clean.calls else sum(attempt.what == what for attempt in attempts(clean, service))


def _usual_of_one(clean: RunRecord, service: str, episode: Episode) -> int:
    """Return how often a job sends undisturbed what an episode asks for: one thing, where the marks of things tell.

    A job that asks for forty things by one path may be refused forty times, but for each of them once.
    """
    if len(marks := {attempt.target for attempt in episode.tries}) != 1 or None in marks:
        return _usual(clean, service, episode.what)
    known = [attempt for attempt in attempts(clean, service) if attempt.what == episode.what]
    if clean.calls or any(attempt.target is None for attempt in known):
        return _usual(clean, service, episode.what)
    return max(Counter(attempt.target for attempt in known).values(), default=0)


def _failures(episode: Episode, code: str) -> int:
    return sum(attempt.kind is not None or attempt.outcome == code for attempt in episode.tries)


def _code(fault: FaultRecord) -> str:
    attributes = fault.order.attributes
    return str(attributes.get("status", attributes.get("sqlstate", fault.order.kind)))


def _retry_after(faults: Sequence[FaultRecord]) -> float | None:
    for fault in faults:
        headers = fault.order.attributes.get("headers") or {}
        for name, value in headers.items():
            if str(name).lower() == "retry-after" and re.fullmatch(r"\d+(?:\.\d+)?", str(value).strip()):
                return float(value)
    return None
