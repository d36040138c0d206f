"""Item 2 from records: attempts counted and timed on the wire, and what must not be tried again."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from drawn_waits import waits
from seen_runs import answer, clean, episode, exchange, fault, get, notice, run, struck

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import CallRecord, Message
from pytest_resilience.checklist.judges.backoff import (
    Trials,
    judge_permanent,
    judge_repeats,
    judge_retry_after,
    judge_waits,
)
from pytest_resilience.checklist.judges.backoff.episodes import episodes
from pytest_resilience.checklist.records.attempts import attempts
from pytest_resilience.checklist.thresholds import CLOCK_NOISE

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))


def judged(*pinned, free=(), kind="reset", undisturbed=None, **more):
    """Judge pinned and free series of waits."""
    trials = Trials(
        fault=kind,
        clean=undisturbed or clean(),
        pinned=tuple(run(episode(gaps, kind=kind, **more)) for gaps in pinned),
        free=tuple(run(episode(gaps, kind=kind, **more)) for gaps in free),
    )
    return judge_waits(trials, workload=JOB, service="labs")


@pytest.mark.parametrize("kind", ["reset", "cut", "hang"])
def test_doubling_waits_pass(kind):
    """2, 4, 8 after each kind of failure; a hang is measured from where the client closed."""
    found = judged(
        [2, 4, 8], kind=kind, free=[[1.5, 4.4, 7], [2.1, 3.3, 9]], lasts=3.0 if kind == "hang" else 0.001
    )

    assert (found.evidence.outcome, found.evidence.warnings, found.wants_more) == ("passed", (), False)


def test_doubling_waits_after_a_status_pass():
    """503 is answered on the same connection; the wait counts from the answer."""
    messages, at = [notice(0.1, "connected")], 0.5
    for gap in (1, 2, 4, 0):
        messages += [get(at), notice(at + 0.01, "respond at GET /items/{}, request", fault_id="fault-1")]
        at += 0.01 + gap
    seen = run(messages, faults=[fault("respond", status=503)])

    assert episodes(seen, "labs")[0].waits == pytest.approx((1, 2, 4))
    found = judge_waits(Trials(fault="503", clean=clean(), pinned=(seen,)), workload=JOB, service="labs")

    assert found.evidence.outcome == "passed"


@pytest.mark.parametrize(
    ("gaps", "why"),
    [
        ([1, 2, 3], "grow linearly: 1, 2, 3 s"),
        ([1, 1, 1], "do not grow"),
        ([0.001, 0.001, 0.001], "are none"),
        ([4, 2.5, 2.1], "shrink"),
        ([2], "tried 2 times"),
        ([], "tried once"),
        ([1] * 11, "layers that retry multiply"),
    ],
)
def test_other_waits_fail(gaps, why):
    """Linear, constant, missing and shrinking waits, too few and too many attempts."""
    found = judged(gaps).evidence

    assert (found.outcome, why in found.why, bool(found.fix)) == ("failed", True, True)


def test_client_that_sends_each_try_twice_waits_between_its_pairs():
    """A request that was lost is sent again at once, as aiohttp does; the waits are those after its second try."""
    found = judged(
        [0.001, 1, 0.002, 2, 0.0003, 4, 0.001], free=[[0, 1.3, 0, 2.1, 0, 3], [0, 0.8, 0, 2.9, 0, 5]]
    )

    assert found.evidence.outcome == "passed"
    assert [warning.partition(":")[0] for warning in found.evidence.warnings] == [
        "each try is sent twice, the second time at once"
    ]


@pytest.mark.parametrize(
    ("gaps", "why"),
    [
        ([0.001, 1, 0.001, 1, 0.001, 1, 0.001], "do not grow: 1, 1, 1 s"),
        ([0.001, 1, 0.001], "tried 2 times"),
        ([0.001] * 7, "are none"),
        ([0.001, 4 * CLOCK_NOISE, 0.001], "are none"),
        ([0.001, 1, 0.001, 0.001, 0.001, 2], "shrink"),
    ],
)
def test_pairs_hide_no_other_mistake(gaps, why):
    """What is wrong with the waits between them is still wrong; tries without a wait, or a stall, are no pairs."""
    found = judged(gaps).evidence

    assert (found.outcome, why in found.why) == ("failed", True), found.why


def test_each_wait_is_the_least_that_was_seen():
    """A busy machine makes waits longer, and none shorter."""
    found = judged([1, 2, 4.6, 4], [1, 2.3, 4, 4], [1, 2, 4.7, 4]).evidence

    assert found.outcome == "passed"


def test_waits_without_jitter_are_a_warning():
    """Exact waits that free episodes repeat pass, with a word about the herd."""
    found = judged([2, 4, 8], free=[[2, 4, 8], [2, 4, 8]]).evidence

    assert (found.outcome, found.warnings[0].partition(":")[0]) == ("passed", "no jitter of more than 0.02 s")


def test_a_busy_machine_is_no_jitter():
    """It makes one wait or another longer; draws would differ in most."""
    held_up = judged([2, 4, 8], free=[[2, 4, 8], [2.5, 4, 8], [2, 4.5, 9]]).evidence
    drawn = judged([2, 4, 8], free=[[2, 4.1, 8], [2.5, 4, 8], [2.2, 4.5, 9]]).evidence

    assert held_up.warnings[0].startswith("no jitter")
    assert not drawn.warnings


def test_jitter_that_the_clock_hides_is_not_said_to_be_missing():
    """A tenth of a second is nothing where twenty of the workload's seconds pass in one."""
    gaps = [0.3, 0.6, 1.2]
    fast = [replace(each, time_scale=20.0) for each in (run(episode(gaps)), run(episode(gaps)))]
    trials = Trials(fault="reset", clean=clean(), pinned=(run(episode(gaps)),), free=tuple(fast))
    found = judge_waits(trials, workload=JOB, service="labs").evidence

    assert (found.outcome, found.warnings[0].partition(":")[0]) == (
        "passed",
        "whether the waits have jitter was not seen",
    )


def test_no_end_fails():
    """A job that still tries at its deadline has no end."""
    seen = run(episode([1, 2, 4]), exit_code=None, ended=None, blocked=True)
    found = judge_waits(Trials(fault="reset", clean=clean(), pinned=(seen,)), workload=JOB, service="labs")

    assert (found.evidence.outcome, "had not ended" in found.evidence.why) == ("failed", True)


def test_a_call_that_never_comes_back_is_told_so():
    """It was not given up after one try: it has no time-out, and what is done after it is not seen."""
    seen = run(
        episode([], kind="hang", lasts=60.0), exit_code=None, ended=None, blocked=True, faults=[fault("hang")]
    )
    found = judge_waits(
        Trials(fault="no answer", clean=clean(), pinned=(seen,)), workload=JOB, service="labs"
    )

    assert (found.evidence.outcome, "had not come back" in found.evidence.why) == ("failed", True)
    assert "time-out" in found.evidence.fix


def test_each_operation_of_a_job_is_an_episode():
    """Where a wait falls back the next item begins: 3 items with 3 attempts are not 9 attempts."""
    gaps = [1, 2, 0.002, 1, 2, 0.002, 1, 2]

    assert [len(part.tries) for part in episodes(run(episode(gaps)), "labs", exact=True)] == [3, 3, 3]
    assert judged(gaps).evidence.outcome == "passed"


def test_each_call_of_a_function_is_an_episode():
    """Calls bound what belongs together."""
    calls = tuple(CallRecord(number=n, began=n * 10, ended=n * 10 + 9.0, outcome="raised") for n in range(3))
    messages = [m for n in range(3) for m in episode([1, 2], began=n * 10 + 0.5, first=n * 3 + 1)]

    assert [part.waits for part in episodes(run(messages, calls=calls), "labs")] == [
        pytest.approx((1, 2), abs=0.01)
    ] * 3


def test_statistics_ask_for_more_and_then_decide():
    """Without pinned runs ten episodes want more, eighty tell."""
    draw = random.Random(2)
    drawn = [waits("exponential", "half", 5, draw) for _ in range(80)]
    few, many = judged(free=drawn[:10]), judged(free=drawn)

    assert (few.evidence.outcome, few.wants_more) == ("unproven", True)
    assert (many.evidence.outcome, many.wants_more) == ("passed", False)


def test_waits_that_drown_in_round_trips_are_unproven():
    """A first wait below five round trips proves nothing."""
    slow = clean([notice(0, "connected"), get(0.1), answer(1.1), notice(1.2, "closed")])
    found = judged([1, 2, 4], undisturbed=slow).evidence

    assert (found.outcome, "drown" in found.why) == ("unproven", True)


def test_a_lost_change_that_is_not_repeated_is_right():
    """A POST without a key that is tried once after a reset is not asked to be retried."""
    assert judged([], method="POST").evidence.outcome == "not-applicable"


def test_unfired_faults_prove_nothing():
    """No receipt, no verdict."""
    seen = run(episode([1, 2, 4]), faults=[fault(fired=False)])
    found = judge_waits(Trials(fault="reset", clean=clean(), pinned=(seen,)), workload=JOB, service="labs")

    assert found.evidence.outcome == "unproven"


@pytest.mark.parametrize(
    ("gaps", "outcome"), [([1, 2, 4], "passed"), ([1, 1, 1], "failed"), ([4, 2, 1], "failed")]
)
def test_a_hang_that_the_client_closes_late(gaps, outcome):
    """Without a close nobody knows when the client gave up; whether the waits grow is seen, and told as that."""
    messages = [message for message in episode(gaps) if message.message != "closed"]
    trials = Trials(fault="hang", clean=clean(), pinned=(run(_hung(messages)),))
    found = judge_waits(trials, workload=JOB, service="labs").evidence

    assert found.outcome == outcome
    assert outcome == "failed" or "only that the waits grow" in found.warnings[-1]


def test_resets_before_any_message_are_seen_by_their_receipts():
    """A network fault resets connections of which the proxy saw no message."""
    resets = fault("reset_peer", at=[1.0, 2.0, 4.0, 8.0])
    resets = replace(
        resets, receipts=tuple(replace(one, connection=n) for n, one in enumerate(resets.receipts))
    )

    assert [part.waits for part in episodes(run(faults=[resets]), "labs")] == [(1.0, 2.0, 4.0)]


def test_noise_asks_for_more_pinned_runs():
    """One run on a busy machine is not the last word; five are."""
    noisy = [0.242, 0.425, 0.633]

    assert judged(noisy).wants_more
    assert not judged(*[noisy] * 5).wants_more


def _hung(messages):
    for message in messages:
        yield (
            notice(message.at, "hang at GET /items/{}, request", message.connection, fault_id="fault-1")
            if (message.fault)
            else message
        )


def postgres(at, side, message, shape=None, connection=1):
    """Return a message of a database."""
    return Message(at=at, service="labs", connection=connection, side=side, message=message, shape=shape)


def database_try(at, connection, *, fails=True):
    """Yield a unit of work on a connection of its own, cut at its INSERT."""
    yield notice(at, "connected", connection)
    yield postgres(at, "request", "Startup", connection=connection)
    yield postgres(at + 0.002, "reply", "ReadyForQuery", connection=connection)
    yield postgres(at + 0.003, "request", "Query", "BEGIN", connection)
    yield postgres(at + 0.004, "reply", "ReadyForQuery", connection=connection)
    yield postgres(at + 0.005, "request", "Query", "insert into t values (?)", connection)
    if fails:
        yield notice(at + 0.005, "cut at INSERT, request", connection, fault_id="fault-1")
        yield notice(at + 0.006, "closed", connection)
    else:
        yield postgres(at + 0.006, "reply", "ReadyForQuery", connection=connection)


def test_spare_connections_are_no_attempts():
    """A pool that connects again the moment a hanging request is given up has asked for nothing with it."""
    spare = [notice(6.05, "connected", 9), notice(7.0, "closed", 9)]
    tried = [
        each for number, at in enumerate((0.0, 1.2, 2.7, 5.0)) for each in struck(at, "hang", number, lasts=1)
    ]

    (found,) = episodes(run([*tried, *spare], faults=[fault("hang")]), "labs")

    assert found.waits == pytest.approx((0.2, 0.5, 1.3))


def test_connections_that_a_network_fault_ends_are_attempts():
    """A service that resets whatever connects sees no request, and is tried again all the same."""
    order = replace(fault("reset_peer", healed_at=1.0), id=None)
    lost = [
        notice(0.1, "connected", 1),
        notice(0.2, "closed", 1),
        notice(0.6, "connected", 2),
        notice(0.7, "closed", 2),
    ]

    (found,) = episodes(run([*lost, *exchange(2.0, 3)], faults=[order]), "labs")

    assert len(found.tries) == 3


def test_database_attempts_begin_with_their_connection():
    """The wait is from the cut to the next connection, not to the statement."""
    messages = [
        m for n, at in enumerate((1.0, 2.005, 4.01, 8.015), 1) for m in database_try(at, n, fails=n < 4)
    ]
    (found,) = episodes(run(messages, faults=[fault("cut")]), "labs")

    assert found.waits == pytest.approx((1.0, 2.0, 4.0))
    assert [attempt.failed for attempt in found.tries] == [True, True, True, False]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "closed unused"])
def test_who_connects_again_at_once_and_then_waits_has_waited(kept):
    """Django does the former by itself; the wait is from the cut to what the new connection is used for."""
    starts = (1.0, 2.005, 4.01, 8.015)
    messages = []
    for number, at in enumerate(starts, 1):
        tried = list(database_try(at, number, fails=number < 4))
        messages += tried[3:] if kept and number > 1 else tried
        if number < 4:
            new = number + 1 if kept else 10 + number
            messages.append(notice(at + 0.01, "connected", new))
            messages.append(postgres(at + 0.01, "request", "Startup", connection=new))
            messages.append(postgres(at + 0.012, "reply", "ReadyForQuery", connection=new))
            if not kept:
                messages.append(notice(at + 0.02, "closed", new))
    (found,) = episodes(run(messages, faults=[fault("cut")]), "labs")

    assert found.waits == pytest.approx((1.0, 2.0, 4.0), abs=0.01)


def slow_try(at, connection, *, login):
    """Yield a unit of work on a connection of its own, on a busy machine: its login takes long."""
    cut = at + login
    yield notice(at, "connected", connection)
    yield postgres(at, "request", "Startup", connection=connection)
    yield postgres(cut - 0.01, "reply", "ReadyForQuery", connection=connection)
    yield postgres(cut, "request", "Query", "BEGIN", connection)
    yield notice(cut, "cut at BEGIN, request", connection, fault_id="fault-1")
    yield notice(cut, "closed", connection)


def test_operations_side_by_side_wait_from_their_own_ends():
    """Whose connection is made last may fail first, and logins of others lie between."""
    begins, wait, messages, connections = [1.0, 1.001, 1.002], 0.3, [], itertools.count(1)
    for logins in ((0.12, 0.107, 0.061), (0.035, 0.08, 0.085), (0.034, 0.055, 0.05), (0.03, 0.04, 0.045)):
        for at, login in zip(begins, logins, strict=True):
            messages += slow_try(at, next(connections), login=login)
        begins = sorted(at + login + wait for at, login in zip(begins, logins, strict=True))
        wait *= 2
    messages.sort(key=lambda message: message.at)
    found = episodes(run(messages, faults=[fault("cut")]), "labs", exact=True, units=3)

    assert [each.waits for each in found] == [pytest.approx((0.3, 0.6, 1.2))] * 3


def probe(at, connection):
    """Yield a connection that asks whether the server is there, and hears that it is."""
    yield notice(at, "connected", connection)
    yield postgres(at, "request", "Startup", connection=connection)
    yield postgres(at + 0.001, "reply", "ReadyForQuery", connection=connection)
    yield postgres(at + 0.002, "request", "Query", "SELECT ?", connection)
    yield postgres(at + 0.003, "reply", "ReadyForQuery", connection=connection)
    yield notice(at + 0.004, "closed", connection)


def test_a_look_whether_the_server_is_there_ends_no_episode():
    """Who asks first and then tries again has tried again."""
    starts = enumerate((1.0, 2.005, 4.01, 8.015), 1)
    messages = [
        m
        for n, at in starts
        for m in (*probe(at - 0.01, 10 + n), *database_try(at, n, fails=n < 4))
        if n > 1 or m.connection == 1
    ]
    (found,) = episodes(run(messages, faults=[fault("cut")]), "labs")

    assert [attempt.failed for attempt in found.tries] == [True, True, True, False]


@pytest.mark.parametrize("said", [True, False], ids=["said", "cut short"])
def test_a_cancel_request_is_no_attempt(said):
    """A driver gives a hanging statement up on a connection of its own, often closed before it says anything."""
    starts = [*enumerate((1.0, 2.005, 4.01, 8.015), 1)]
    tries = [m for n, at in starts for m in database_try(at, n, fails=n < 4)]
    tries = [
        notice(m.at, "hang at INSERT, request", m.connection, fault_id="fault-1")
        if m.fault
        else replace(m, at=m.at + 0.5 if m.message == "closed" else m.at)
        for m in tries
    ]
    cancels = [
        m
        for n, at in starts[:3]
        for m in (
            notice(at + 0.49, "connected", 10 + n),
            postgres(at + 0.49, "request", "CancelRequest", connection=10 + n),
            notice(at + 0.5, "closed", 10 + n),
        )
        if said or m.side == "-"
    ]
    messages = sorted([*tries, *cancels], key=lambda message: message.at)
    (found,) = episodes(run(messages, faults=[fault("hang")]), "labs")

    assert found.waits == pytest.approx((0.499, 1.499, 3.499))


@pytest.mark.parametrize(("met", "count"), [(False, 3), (True, 6)], ids=["told no", "met by a fault"])
def test_a_connection_that_only_asks_for_encryption_is_no_attempt(met, count):
    """Clients that prefer TLS begin anew without it, on another connection; one that a fault met has been tried."""
    starts = [*enumerate((1.0, 2.005, 4.01, 8.015), 1)]
    tries = [m for n, at in starts for m in database_try(at, n, fails=n < 4)]
    asked = [
        m
        for n, at in starts[:3]
        for m in (
            notice(at - 0.02, "connected", 10 + n),
            postgres(at - 0.02, "request", "SSLRequest", connection=10 + n),
            notice(at + 0.001, "closed", 10 + n),
        )
    ]
    messages = sorted([*tries, *asked], key=lambda message: message.at)
    cut = fault("cut")
    receipts = [replace(cut.receipts[0], connection=10 + n) for n in (1, 2, 3)]
    seen = run(messages, faults=[replace(cut, receipts=(*cut.receipts, *(receipts if met else ())))])

    assert len([attempt for attempt in attempts(seen, "labs") if attempt.failed]) == count


def respond(at, status, connection=1):
    """Yield a request that a fault answers."""
    yield notice(at, "connected", connection)
    yield get(at, connection)
    yield notice(at, "respond at GET /items/{}, request", connection, fault_id="fault-1")
    yield notice(at + 0.001, "closed", connection)


@pytest.mark.parametrize(("times", "outcome"), [(1, "passed"), (2, "failed"), (4, "failed")])
def test_permanent_errors_are_tried_once(times, outcome):
    """404 once is right, more is wasted."""
    seen = run(
        [m for n in range(times) for m in respond(0.5 + n, 404, n + 1)], faults=[fault("respond", status=404)]
    )

    assert judge_permanent(seen, clean=clean(), workload=JOB, service="labs").outcome == outcome


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [("aaa", "failed"), ("abc", "passed"), ("aab", "failed"), ("aba", "failed"), ("a", "passed")],
)
def test_of_many_things_that_a_job_asks_for_each_is_refused_once(asked, outcome):
    """By one path, twelve undisturbed: that one of them was tried three times is not what it does then."""
    undisturbed = [replace(m, target=str(n)) for n in range(12) for m in exchange(n, n + 1)]
    refused = [
        replace(message, target=target)
        for n, target in enumerate(asked)
        for message in respond(0.5 + n, 404, n + 1)
    ]
    seen = run(refused, faults=[fault("respond", status=404)])

    assert judge_permanent(seen, clean=clean(undisturbed), workload=JOB, service="labs").outcome == outcome


def test_a_thing_that_a_job_asks_for_again_undisturbed_may_be_refused_as_often():
    """A poll for what is ready, three times."""
    undisturbed = [replace(m, target="a") for n in range(3) for m in exchange(n, n + 1)]
    refused = [replace(m, target="a") for n in range(3) for m in respond(0.5 + n, 404, n + 1)]
    seen = run(refused, faults=[fault("respond", status=404)])

    assert judge_permanent(seen, clean=clean(undisturbed), workload=JOB, service="labs").outcome == "passed"


@pytest.mark.parametrize(("code", "told"), [("28P01", True), ("42P01", False)])
def test_that_a_refused_login_has_no_sqlstate_is_told(code, told):
    """For the drivers of Python, who retries it has looked for one in vain."""
    tries = [
        message
        for n in (1, 2)
        for message in (
            notice(n, "connected", n),
            postgres(n, "request", "Startup", connection=n),
            notice(n, "error at Startup, request", n, fault_id="fault-1"),
            notice(n + 0.1, "closed", n),
        )
    ]
    undisturbed = database_try(0.5, 1, fails=False)
    seen = run(tries, faults=[fault("error", sqlstate=code)])
    found = judge_permanent(seen, clean=clean(undisturbed), workload=JOB, service="labs")

    assert (found.outcome, "authentication failed" in found.fix) == ("failed", told)


@pytest.mark.parametrize(("wait", "outcome"), [(2.0, "passed"), (1.96, "passed"), (1.0, "failed")])
def test_retry_after_is_kept(wait, outcome):
    """The next attempt comes no earlier than asked."""
    seen = run(
        [*respond(0.5, 429), *exchange(0.5 + wait, 2)],
        faults=[fault("respond", status=429, headers={"Retry-After": "2"})],
    )

    assert judge_retry_after(seen, clean=clean(), workload=JOB, service="labs").outcome == outcome


@pytest.mark.parametrize(
    ("method", "keyed", "gaps", "outcome"),
    [
        ("POST", False, [1], "failed"),
        ("PATCH", False, [1], "failed"),
        ("POST", None, [1], "unproven"),
        ("POST", True, [1], "passed"),
        ("POST", False, [], "passed"),
        ("GET", False, [1], "passed"),
        ("PUT", False, [1], "passed"),
    ],
)
def test_changes_are_not_repeated_without_a_key(method, keyed, gaps, outcome):
    """A POST whose answer was lost is sent again only with a key."""
    seen = run(episode(gaps, method=method, keyed=keyed))

    assert judge_repeats([seen], clean=clean(), workload=JOB, service="labs").outcome == outcome


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/api/2.0/mlflow/registered-models/alias", "passed"),
        ("/api/2.0/mlflow/model-versions/set-tag", "passed"),
        ("/api/2.0/mlflow/model-versions/create", "failed"),
        ("/api/2.0/orders/alias", "failed"),
    ],
)
def test_what_mlflow_sets_may_be_set_again(path, outcome):
    """It knows no idempotency keys, and needs none there; what it creates is there twice."""
    post = {"method": "POST", "path": path, "keyed": False}
    seen = run([*struck(0.5, **post), *struck(1.5, connection=2, **post)], faults=[fault()])

    assert judge_repeats([seen], clean=clean(), workload=JOB, service="labs").outcome == outcome


def test_searches_may_be_repeated():
    """A POST that reads, as registries have them, is no change."""
    search = {"method": "POST", "path": "/runs/search"}
    seen = run([*struck(0.5, **search), *struck(1.5, connection=2, **search)])

    assert judge_repeats([seen], clean=clean(), workload=JOB, service="labs").outcome == "passed"


def test_what_came_through_was_tried_often_enough():
    """A pool that has another connection needs no third try; that it would make one is for other faults to show."""
    seen = run([*struck(0.5, "reset", 1), *exchange(1.0, 2)])
    found = judge_waits(Trials(fault="reset", clean=clean(), pinned=(seen,)), workload=JOB, service="labs")

    assert (found.evidence.outcome, "came through in try 2" in found.evidence.why) == ("not-applicable", True)
