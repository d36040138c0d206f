"""Item 8 from records: breakers that open, refuse, try and close, and those that do not."""

from __future__ import annotations

import pytest
from seen_runs import clean, exchange, fault, run, struck

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import CallRecord
from pytest_resilience.checklist.experiments.breakers_calls import opening
from pytest_resilience.checklist.judges import breakers

SCORE = WorkloadDeclaration(name="score", shape="function", uses=("labs",), calls=50, every=0.1)
JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))
EVERY = 0.1
UNDISTURBED = clean(calls=(CallRecord(number=1, began=0.4, ended=0.6, outcome="ok"),))


def calls_of(fates, *, healed=3.5, refusal=0.001, failure=0.02, success=0.02):
    """Return a run whose calls are `x` failed, `r` refused, `o` ok, `s` refused slowly, `f` a fallback."""
    messages, calls = [], []
    for number, fate in enumerate(fates, 1):
        at = number * EVERY
        lasts = {"x": failure, "o": success, "s": 0.09}.get(fate, refusal)
        if fate in "xo":
            messages += struck(at + 0.001, connection=number) if fate == "x" else exchange(at + 0.001, number)
        outcome = "ok" if fate in "of" else "raised"
        calls.append(
            CallRecord(number=number, began=at, ended=at + lasts, outcome=outcome, error=("a.B", "c.D"))
        )
    return run(messages, calls=tuple(calls), exit_code=0, faults=[fault(at=EVERY, healed_at=healed)])


def judged(fates, workload=SCORE, **more):
    """Judge calls with these fates."""
    return breakers.judge(calls_of(fates, **more), clean=UNDISTURBED, workload=workload, service="labs")


SOUND = "xxxxx" + "rrrrrrrrrx" * 3 + "rrrrrrrrro" + "ooooo"


@pytest.mark.parametrize("fates", [SOUND, SOUND.replace("r", "f")], ids=["refused", "fallback"])
def test_a_breaker_passes(fates):
    """Five failures, refusals or fallbacks, one trial a period, normal after the heal."""
    assert (judged(fates).outcome, judged(fates).why) == ("passed", "")


@pytest.mark.parametrize(
    ("fates", "why"),
    [
        ("x" * 35 + "o" * 15, "requests went out"),
        ("x" * 25 + "r" * 10 + "o" * 15, "after 25 failed calls"),
        ("xxxxx" + "s" * 30 + "o" * 15, "calls block"),
        ("xxxxx" + "rrrrrrrrr" + "xxxxx" + "r" * 16 + "o" * 15, "5 trial calls in a row"),
        ("xxxxx" + "rrrrrx" * 5 + "r" * 30, "still do not reach it"),
        ("xxxxx" + "rrrrrx" * 5 + "r" * 20 + "ooooo", "later than 2 reset periods"),
        ("xxxxx" + "rxx" * 10 + "o" * 15, "calls went out"),
    ],
)
def test_other_calls_fail(fates, why):
    """No breaker, a late one, one that blocks, one that lets a herd through, one that never closes."""
    found = judged(fates)

    assert (found.outcome, why in found.why, bool(found.fix)) == ("failed", True, True)


@pytest.mark.parametrize(
    ("fates", "healed"),
    [("xxxxx", 3.5), (SOUND[:35], 3.55), ("xxxxx" + "r" * 40, 3.5)],
    ids=["few", "unhealed", "one-period"],
)
def test_too_little_is_unproven(fates, healed):
    """Few calls, none after the heal, or a reset period longer than the experiment."""
    found = judged(fates, healed=healed)

    assert (found.outcome, bool(found.fix)) == ("unproven", True)


@pytest.mark.parametrize(("struck_calls", "outcome"), [(12, "unproven"), (40, "failed")])
def test_requests_of_calls_that_overlap_are_counted_once(struck_calls, outcome):
    """Of calls that are all under way at once, one's request falls into the time of each."""
    calls = [
        CallRecord(number=n, began=n * EVERY, ended=n * EVERY + 30, outcome="raised", error=("a.B", "c.D"))
        for n in range(1, 41)
    ]
    calls.append(CallRecord(number=41, began=40.0, ended=40.1, outcome="raised", error=("a.B", "c.D")))
    times = [*(10 + n * EVERY for n in range(struck_calls)), 40.05]
    messages = [each for n, at in enumerate(times) for each in struck(at, connection=n)]
    seen = run(messages, calls=tuple(calls), exit_code=0, faults=[fault(at=EVERY, healed_at=99.0)])
    found = breakers.judge(seen, clean=UNDISTURBED, workload=SCORE, service="labs")

    assert (found.outcome, f"{struck_calls + 1} requests went out in 41 calls" in found.why) == (
        outcome,
        True,
    )


def test_a_refusal_takes_what_the_call_does_beside_its_requests():
    """A busy machine, or a slow database before the breaker, delays refusals and successes alike."""
    blocks = "xxxxx" + "ssssssssss" * 3 + "ooooo"
    seen = SOUND.replace("r", "s")

    assert judged(seen, success=0.09).outcome == "passed"
    assert judged(seen, success=0.03).outcome == "failed"
    assert judged(blocks, success=0.03).outcome == "failed"


def test_calls_that_never_need_the_service_show_no_breaker():
    """Nothing goes out because nothing is asked."""
    found = judged("f" * 50)

    assert (found.outcome, "none of" in found.why, bool(found.fix)) == ("unproven", True, True)


def test_calls_before_the_first_that_needs_it_are_no_refusals():
    """Whose answer is kept, say."""
    assert judged("fff" + SOUND).outcome == "passed"
    assert judged("fff" + "xxxxx" + "s" * 30 + "o" * 15).outcome == "failed"


def test_waiting_callers_are_seen_by_their_latency():
    """A long backoff sends nothing for a while, and is no breaker: its calls are slow."""
    assert judged("x" + "s" * 34 + "o" * 15).outcome == "failed"


def test_short_jobs_are_not_asked():
    """A job that makes few calls shows no breaker, and the reason is told; one that goes on and on fails."""
    few = run(struck(0.5))
    many = [message for number in range(60) for message in struck(number, connection=number)]
    usual = clean([message for number in range(60) for message in exchange(number, number)])

    assert breakers.judge(few, clean=clean(), workload=JOB, service="labs").outcome == "not-applicable"
    assert breakers.judge(run(many), clean=usual, workload=JOB, service="labs").outcome == "failed"
    assert breakers.judge(few, clean=usual, workload=JOB, service="labs").outcome == "not-applicable"


def test_unfired_faults_prove_nothing():
    """No receipt, no verdict."""
    seen = run(exchange(0.5), faults=[fault(fired=False)])

    assert breakers.judge(seen, clean=clean(), workload=SCORE, service="labs").outcome == "unproven"


def overlapping(fates, *, lasts):
    """Return a run whose calls begin each tenth of a second and last longer: `x` goes out, `r` is refused at once."""
    messages, made = [], []
    for number, fate in enumerate(fates, 1):
        at = number * EVERY
        messages += struck(at + 0.001, connection=number) if fate == "x" else []
        ended = at + (lasts if fate == "x" else 0.001)
        made.append(CallRecord(number=number, began=at, ended=ended, outcome="raised"))
    return run(
        messages, calls=tuple(made), exit_code=0, faults=[fault(at=EVERY, healed_at=len(fates) * EVERY)]
    )


@pytest.mark.parametrize(("lasts", "is_late"), [(0.05, True), (1.05, False), (2.0, False)])
def test_calls_on_their_way_when_a_breaker_opens_are_no_failures(lasts, is_late):
    """A server is asked without waiting for its answers: 25 calls went out, and only the first of them had failed."""
    seen = overlapping("x" * 25 + "r" * 15, lasts=lasts)
    found = breakers.judge(seen, clean=UNDISTURBED, workload=SCORE, service="labs")

    assert ("after 25 failed calls" in found.why) is is_late, found.why


@pytest.mark.parametrize(("lasts", "outcome"), [(0.05, "failed"), (2.0, "unproven")])
def test_calls_that_all_go_out_prove_no_missing_breaker_before_they_fail(lasts, outcome):
    """30 calls that go out are too many where their failures are known, and say nothing where they are not."""
    seen = overlapping("x" * 30, lasts=lasts)

    assert breakers.judge(seen, clean=UNDISTURBED, workload=SCORE, service="labs").outcome == outcome


@pytest.mark.parametrize(("healed", "why"), [(2.4, "may have closed it"), (4.0, "was not tried again")])
def test_calls_that_were_under_way_are_no_trials(healed, why):
    """What they send while others are refused shows no trial, and what they get after the heal no recovery."""
    seen = Traffic()
    for number in range(18):
        seen.call(number * 0.1, 12, 1.3)
    for number in range(18, 80):
        seen.call(number * 0.1, 0, 0.03 if number % 3 == 0 else 0.001)
    messages = sorted(seen.messages, key=lambda message: message.at)
    lost = run(messages, calls=tuple(seen.calls), exit_code=0, faults=[fault(at=0.02, healed_at=healed)])

    found = breakers.judge(lost, clean=UNDISTURBED, workload=SCORE, service="labs")
    opened = opening(lost, "labs", UNDISTURBED)

    assert (found.outcome, why in found.why) == ("unproven", True), found.why
    assert opened is not None
    assert (opened.period, opened.settles) == (None, pytest.approx(1.2, abs=0.2))


class Traffic:
    """Calls that send their tries a tenth of a second apart, on connections of their own."""

    def __init__(self):
        self.messages, self.calls = [], []

    def call(self, at, tries, lasts, *, result="raised"):
        """Make one."""
        for moment in (at + 0.02 + number * 0.1 for number in range(tries)):
            connection = len(self.messages) + 1
            sent = exchange(moment, connection) if result == "ok" else struck(moment, connection=connection)
            self.messages.extend(sent)
        number = len(self.calls) + 1
        self.calls.append(CallRecord(number=number, began=at, ended=at + lasts, outcome=result))

    def refused(self, since, number):
        """Make some that send nothing."""
        for each in range(number):
            self.call(since + each * 0.1, 0, 0.001)


@pytest.mark.parametrize(("own", "outcome"), [(0, "passed"), (4, "failed")])
def test_calls_that_wait_for_a_trial_are_no_trials(own, outcome):
    """A breaker may let one call through and have others wait for it; if these send requests of their own, it fails."""
    seen = Traffic()
    for first in range(5):
        seen.call(first * 0.5, 4, 0.4)
    for period in (3.0, 6.0, 9.0, 12.0):
        seen.refused(period, 20)
        seen.call(period + 2.0, 4, 0.4)
        for waiting in (0.1, 0.2, 0.3):
            seen.call(period + 2.0 + waiting, own, 0.4 if own else 0.4 - waiting)
        seen.refused(period + 2.5, 5)
    for back in range(20):
        seen.call(15.0 + back * 0.2, 1, 0.05, result="ok")
    messages = sorted(seen.messages, key=lambda message: message.at)
    lost = run(messages, calls=tuple(seen.calls), exit_code=0, faults=[fault(at=0.02, healed_at=14.9)])

    found = breakers.judge(lost, clean=UNDISTURBED, workload=SCORE, service="labs")

    assert found.outcome == outcome, found.why
