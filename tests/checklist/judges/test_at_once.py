"""What is under way at the same time, and that waits of several operations are no proof of a mistake."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest
from seen_runs import calls, clean, episode, exchange, fault, get, run, struck

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.explore.at_once import callers_at_once
from pytest_resilience.chaos.run.record import Message
from pytest_resilience.checklist.judges.backoff import Trials, judge_repeats, judge_waits
from pytest_resilience.checklist.judges.backoff.episodes import episodes

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))
SERVER = WorkloadDeclaration(name="orders", shape="server", uses=("labs",))
ONE_BY_ONE = (*exchange(0.5), *exchange(0.6, 2))
SIDE_BY_SIDE = sorted((*exchange(0.5), *exchange(0.503, 2)), key=lambda message: message.at)


@pytest.mark.parametrize(
    ("messages", "most"),
    [((), 0), (ONE_BY_ONE, 1), (SIDE_BY_SIDE, 2), ((get(0.5), *exchange(0.6, 2)), 2)],
)
def test_requests_that_wait_for_their_answers_are_counted(messages, most):
    """The most at any moment."""
    assert callers_at_once(clean(messages), "labs") == most


def of(target, messages, apart=0):
    """Return messages whose requests ask for one thing, on connections of their own."""
    return [
        replace(message, connection=message.connection + apart, target=target)
        if message.side == "request"
        else replace(message, connection=message.connection + apart)
        for message in messages
    ]


def side_by_side(first, second, *, targets=("page 1", "page 2")):
    """Return what two operations do at the same time."""
    messages = [*of(targets[0], first), *of(targets[1], second, apart=50)]
    return sorted(messages, key=lambda message: message.at)


@pytest.mark.parametrize(
    ("first", "second", "targets", "outcome"),
    [
        ([1, 2, 4], [1, 2, 4], ("page 1", "page 2"), "passed"),
        ([1, 1, 1], [1, 1, 1], ("page 1", "page 2"), "failed"),
        ([1, 2, 4], [1, 2, 4], ("page 1", "page 1"), "failed"),
        ([1, 2, 4], [1, 2, 4], ("page 1", None), "failed"),
    ],
)
def test_requests_for_different_things_are_different_operations(first, second, targets, outcome):
    """Each is tried again after its own waits, although they take turns."""
    messages = side_by_side(episode(first), episode(second, began=0.7), targets=targets)
    trials = Trials(fault="reset", clean=clean(ONE_BY_ONE), pinned=(run(messages, faults=[fault()]),))
    found = judge_waits(trials, workload=JOB, service="labs").evidence

    assert found.outcome == outcome, found.why


def test_a_request_that_is_another_each_time_is_one_operation():
    """A nonce or a time in its address makes it look so; nothing is asked for twice."""
    messages = [
        replace(message, target=f"at {message.at}") if message.side == "request" else message
        for message in episode([1, 2, 4])
    ]
    trials = Trials(fault="reset", clean=clean(), pinned=(run(messages, faults=[fault()]),))

    assert judge_waits(trials, workload=JOB, service="labs").evidence.outcome == "passed"


@pytest.mark.parametrize(("gaps", "outcome"), [([1, 2, 4], "passed"), ([1, 1, 1], "failed")])
def test_operations_one_after_the_other_are_as_many(gaps, outcome):
    """Each of four has four tries, which are not sixteen of one."""
    began = [0.5 + 20 * n for n in range(4)]
    messages = chain(*(of(f"key {n}", episode(gaps, began=at), apart=50 * n) for n, at in enumerate(began)))
    trials = Trials(fault="reset", clean=clean(ONE_BY_ONE), pinned=(run(messages, faults=[fault()]),))

    assert judge_waits(trials, workload=JOB, service="labs").evidence.outcome == outcome


def test_requests_for_different_things_at_the_same_time_are_told_apart():
    """Those for the same are not."""
    for targets, most in ((("page 1", "page 2"), 1), (("page 1", "page 1"), 2)):
        messages = side_by_side(exchange(0.5), exchange(0.503), targets=targets)
        assert callers_at_once(clean(messages), "labs") == most


@pytest.mark.parametrize(
    ("undisturbed", "gaps", "outcome"),
    [
        (ONE_BY_ONE, [4, 2.5, 2.1], "failed"),
        (SIDE_BY_SIDE, [4, 2.5, 2.1], "unproven"),
        (SIDE_BY_SIDE, [1, 2, 4], "passed"),
        (SIDE_BY_SIDE, [], "failed"),
        (ONE_BY_ONE, [1, 2, 4] * 4, "failed"),
        (SIDE_BY_SIDE, [1, 2, 4] * 7, "failed"),
    ],
)
def test_waits_of_several_operations_are_no_proof(undisturbed, gaps, outcome):
    """What cannot be mixed up still fails: one try alone, and more than ten for each of them."""
    seen = run(chain(episode(gaps)), faults=[fault()])
    trials = Trials(fault="reset", clean=clean(undisturbed), pinned=(seen,))
    found = judge_waits(trials, workload=JOB, service="labs").evidence

    assert found.outcome == outcome, found.why
    assert ("one thing at a time" in found.fix) == (outcome == "unproven")


def in_turns(*lanes, late=0.02):
    """Return the messages of operations that begin one after the other, and wait as long as each says."""
    begun = [episode(gaps, began=0.5 + late * n, first=20 * n + 1) for n, gaps in enumerate(lanes)]
    return sorted(chain(*begun), key=lambda message: message.at)


@pytest.mark.parametrize(
    ("lanes", "outcome"),
    [
        ([[0.3, 0.6, 1.2]] * 2, "passed"),
        ([[0.3, 0.6, 1.2, 2.4]] * 3, "passed"),
        ([[0.3, 0.6, 1.2], [0.305, 0.61, 1.21]], "passed"),
        ([[0.3, 0.3, 0.3]] * 2, "unproven"),
        ([[0.3, 0.6, 0.9, 1.2]] * 2, "unproven"),
        ([[0.3, 0.6, 1.2], [0.6, 1.2, 2.4]], "unproven"),
        ([[0.001, 0.001, 0.001]] * 2, "unproven"),
        ([[0.3]] * 2, "unproven"),
    ],
)
def test_operations_that_wait_alike_take_turns(lanes, outcome):
    """Exact waits are the same for each worker of one code, so that their attempts come in rounds."""
    seen = run(in_turns(*lanes), faults=[fault()])
    workers = [exchange(0.5 + n / 1000, n + 1) for n in range(len(lanes))]
    undisturbed = sorted(chain(*workers), key=lambda message: message.at)
    trials = Trials(fault="reset", clean=clean(undisturbed), pinned=(seen, seen, seen))
    found = judge_waits(trials, workload=JOB, service="labs").evidence

    assert found.outcome == outcome, found.why


@pytest.mark.parametrize(("late", "outcome"), [(0.02, "passed"), (0.2, "unproven")])
def test_more_operations_than_met_where_they_were_counted_come_in_rounds(late, outcome):
    """On a busy machine two of three may have been seen at work together, never all of them."""
    seen = run(in_turns(*[[0.3, 0.6, 1.2]] * 3, late=late), faults=[fault()])
    trials = Trials(fault="reset", clean=clean(SIDE_BY_SIDE), pinned=(seen, seen, seen))
    found = judge_waits(trials, workload=JOB, service="labs").evidence

    assert found.outcome == outcome, found.why


def statement(at, connection, shape, *, ends=False):
    """Return a statement, its answer, and whether that ended the transaction."""
    row = Message(at=at, service="db", connection=connection, side="request", message="Query", shape=shape)
    ready = replace(row, at=at + 0.001, side="reply", message="ReadyForQuery", shape=None)
    return [row, replace(ready, transaction="I" if ends else "T")]


STORE, NOTE, SAVE = "insert into rows values (?)", "insert into notes values (?)", "savepoint s"


@pytest.mark.parametrize(
    ("statements", "most"),
    [
        ([(1, STORE, False), (2, STORE, False), (3, STORE, False)], 3),
        ([(1, STORE, False), (2, NOTE, False)], 1),
        ([(1, SAVE, False), (2, SAVE, False)], 1),
        ([(1, STORE, True), (2, STORE, True)], 1),
        ([(1, STORE, False), (1, "COMMIT", True), (2, STORE, False)], 1),
    ],
)
def test_transactions_that_write_by_the_same_statement_are_at_work_together(statements, most):
    """No two of their statements need to meet for it; a log on a connection of its own is of the same operation."""
    messages = [
        each for n, (on, shape, ends) in enumerate(statements) for each in statement(n, on, shape, ends=ends)
    ]

    assert callers_at_once(clean(messages), "db") == most


def test_fewer_operations_than_could_take_turns_as_well():
    """A pool may have a connection more than what is tried again."""
    seen = run(in_turns([0.3, 0.6, 1.2], [0.3, 0.6, 1.2]), faults=[fault()])
    found = episodes(seen, "labs", exact=True, units=3)

    assert [part.waits for part in found] == [pytest.approx((0.3, 0.6, 1.2), abs=0.002)] * 2


@pytest.mark.parametrize(
    ("keys", "outcome"),
    [(("a", "a"), "passed"), (("a", "b"), "failed"), (("a", "a", "b"), "failed"), ((None, None), "passed")],
)
def test_a_key_stays_the_same_over_all_attempts(keys, outcome):
    """Else the service takes the second for another order; where nobody looked at the keys, nothing is said."""
    undisturbed = [
        replace(message, keyed=True, target="0") if message.side == "request" else message
        for message in exchange(0.5, method="POST")
    ]
    attempts = episode([1, 2][: len(keys) - 1], method="POST", keyed=True)
    requests = iter(keys)
    messages = [
        replace(message, target=next(requests)) if message.side == "request" else message
        for message in attempts
    ]
    found = judge_repeats([run(messages)], clean=clean(undisturbed), workload=JOB, service="labs")

    assert found.outcome == outcome, found.why


def put_off(*sent, lost=0):
    """Return POSTs at a second and a key each, the first of which are lost; they are sent between the answers."""
    messages = []
    for number, (at, key) in enumerate(sent, 1):
        parts = (
            struck(at, method="POST", connection=number)
            if number <= lost
            else exchange(at, number, method="POST")
        )
        messages += [
            replace(each, keyed=True, target=key) if each.side == "request" else each for each in parts
        ]
    return messages


@pytest.mark.parametrize(
    ("tries", "outcome"),
    [
        ([(1.5, "a"), (2.5, "a")], "passed"),
        ([(1.5, "a"), (2.5, "b")], "failed"),
        ([(0.5, "a"), (1.5, "b"), (2.5, "c")], "passed"),
    ],
    ids=["same", "new", "its own"],
)
def test_a_key_stays_the_same_in_an_outbox_that_is_sent_in_batches(tries, outcome):
    """Undisturbed, several go out between two calls; one call is one order, and what nobody called for is none."""
    served = calls("202", "202", "202", began=1.0, lasts=0.1)
    undisturbed = clean(put_off((2.3, "1"), (2.4, "2"), (3.5, "3")), calls=served)
    seen = run(put_off(*tries, lost=1), calls=calls("202", began=1.0, lasts=0.1), faults=[fault()])
    found = judge_repeats([seen], clean=undisturbed, workload=SERVER, service="labs")

    assert found.outcome == outcome, found.why


@pytest.mark.parametrize(
    ("sent", "outcome", "warned"),
    [
        ([("a", 10), ("b", 12)], "passed", 0),
        ([("a", 10), ("a", 10)], "passed", 1),
        ([("a", 10), ("a", None)], "passed", 1),
        ([("a", 10), ("a", 12)], "failed", 0),
    ],
)
def test_one_key_for_different_requests_is_wrong(sent, outcome, warned):
    """A service that knows it does the first alone; nothing need be lost for that."""
    undisturbed = [
        replace(message, keyed=True, target=key, body=body) if message.side == "request" else message
        for n, (key, body) in enumerate(sent)
        for message in exchange(0.5 + n, n + 1, method="POST")
    ]
    lost = run(struck(0.5, method="POST", keyed=True), faults=[fault()])
    found = judge_repeats([lost], clean=clean(undisturbed), workload=JOB, service="labs")

    assert (found.outcome, "under one idempotency key" in found.why) == (outcome, outcome == "failed")
    assert ["under one idempotency key" in each for each in found.warnings] == [True] * warned
