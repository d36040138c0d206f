"""What a server does between its answers: it is told apart from what answers need, and followed where it is all."""

from __future__ import annotations

import re

import pytest
from seen_runs import calls, clean, episode, exchange, fault, notice, run

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import Message
from pytest_resilience.checklist.judges import breakers
from pytest_resilience.checklist.judges.backoff import Trials, judge_permanent, judge_waits
from pytest_resilience.checklist.judges.backoff.episodes import episodes
from pytest_resilience.checklist.records.asides import Asides, asides, statement
from pytest_resilience.checklist.records.attempts import Attempt

SERVER = WorkloadDeclaration(name="orders", shape="server", uses=("labs",))
WRITE, POLL = "insert into orders values (?, ...)", "select id from outbox where not done"


def unit(at, connection, sql, *, lost=False, login=False):
    """Yield a transaction on a connection of its own; lost at its statement, or at its login."""

    def message(side, name, shape=None):
        return Message(
            at=at,
            service="labs",
            connection=connection,
            side=side,
            message=name,
            shape=shape,
            transaction="I",
        )

    yield notice(at, "connected", connection)
    yield message("request", "Startup")
    if login:
        yield notice(at, "reset at Startup, request", connection, fault_id="fault-1")
        yield notice(at + 0.001, "closed", connection)
        return
    for sent in ("BEGIN", sql, "COMMIT"):
        yield message("reply", "ReadyForQuery")
        yield message("request", "Query", sent)
        if lost and sent == sql:
            yield notice(at, "reset at Query, request", connection, fault_id="fault-1")
            yield notice(at + 0.001, "closed", connection)
            return
    yield message("reply", "ReadyForQuery")
    yield notice(at + 0.001, "closed", connection)


def in_order(*parts):
    """Return messages of several connections, each under a number of its own, by their times."""
    return sorted((message for part in parts for message in part), key=lambda message: message.at)


POLLED = clean(
    in_order(
        *(unit(at + 0.1, at, WRITE) for at in (1, 2, 3)),
        *(unit(at + 0.6, 10 + at, POLL) for at in (1, 2, 3)),
    ),
    calls=calls("201", "201", "201", began=1.0, lasts=0.3),
)
"""A server that writes while it answers, and polls between its answers."""


def test_what_is_asked_between_answers_is_told_from_what_answers_need():
    """The poll is aside, and its connections; what is asked before the first call is neither."""
    found = asides(POLLED, "labs")

    assert found == Asides(frozenset({POLL}), frozenset({WRITE}), connects=True)
    early = clean([*unit(0.2, 1, "create table orders ()"), *POLLED.messages], calls=POLLED.calls)
    assert asides(early, "labs") == found


def test_a_poll_that_meets_a_call_by_chance_is_still_aside():
    """It is what it mostly is."""
    met = clean(in_order(POLLED.messages, unit(3.2, 30, POLL)), calls=POLLED.calls)

    assert asides(met, "labs").names == {POLL}


def test_a_server_that_does_all_after_its_answers_has_no_others():
    """What nobody waits for is what is judged then."""
    seen = clean(
        in_order(*(exchange(at + 0.4, at) for at in (1, 2))), calls=calls("202", "202", began=1.0, lasts=0.3)
    )

    assert asides(seen, "labs") == Asides(later=True)
    assert asides(clean(exchange(1.0)), "labs") == Asides()


@pytest.mark.parametrize(("at", "later"), [((2.1, 2.2, 3.1, 3.5), True), ((1.1, 2.1, 3.1, 3.5), False)])
def test_what_an_answer_does_without_is_not_needed_for_it(at, later):
    """A prompt outbox sends mostly while another call is answered; what each call has, and one besides, is needed."""
    sent = in_order(*(exchange(moment, number) for number, moment in enumerate(at, 1)))
    seen = clean(sent, calls=calls("202", "202", "202", began=1.0, lasts=0.3))

    assert asides(seen, "labs").later == later


def waits_of(parts, *, undisturbed=POLLED, ended=100.0):
    """Judge one call from 1 s until 90 s."""
    seen = run(
        in_order(*parts),
        calls=calls("503", began=1.0, lasts=89.0),
        faults=[fault(at=1.1)],
        ended=ended,
    )
    trials = Trials(fault="reset", clean=undisturbed, pinned=(seen,))
    return judge_waits(trials, workload=SERVER, service="labs").evidence


def polls(**more):
    """Yield a poll each second."""
    return [unit(1.3 + at, 100 + at, POLL, **more) for at in range(20)]


@pytest.mark.parametrize(("gaps", "outcome"), [((1, 2, 4), "passed"), ((1, 1, 1), "failed")])
def test_polls_are_no_tries_of_a_call(gaps, outcome):
    """A call's lost statements are timed whatever is polled meanwhile; that the waits do not grow is still seen."""
    begins = [1.1 + sum(gaps[:number]) for number in range(4)]
    tries = [unit(at, number, WRITE, lost=True) for number, at in enumerate(begins, 1)]

    assert waits_of([*tries, *polls()]).outcome == outcome


def test_logins_of_which_some_are_a_polls_are_nobodys():
    """They are not judged, unless nothing but calls connects."""
    begins = [1.1, 3.1, 3.6, 5.1, 5.7, 7.1]
    tries = [list(unit(at, number, WRITE, login=True)) for number, at in enumerate(begins, 1)]
    alone = clean(in_order(*(unit(at + 0.1, at, WRITE) for at in (1, 2))), calls=POLLED.calls)

    found = waits_of(tries)

    assert (found.outcome, "between its answers" in found.why) == ("not-applicable", True)
    assert waits_of(tries, undisturbed=alone).outcome == "failed"


def test_a_login_that_stays_refused_is_judged_where_calls_alone_connect():
    """A poll that is refused each second is no call that is tried again."""
    tries = [unit(1.1 + at, at + 1, WRITE, login=True) for at in range(4)]
    seen = run(in_order(*tries), calls=calls("503", began=1.0, lasts=89.0), faults=[fault(at=1.1)])
    alone = clean(in_order(*(unit(at + 0.1, at, WRITE) for at in (1, 2))), calls=POLLED.calls)

    outcomes = [
        judge_permanent(seen, clean=undisturbed, workload=SERVER, service="labs").outcome
        for undisturbed in (POLLED, alone)
    ]

    assert outcomes == ["not-applicable", "failed"]


LATER = clean(
    in_order(*(exchange(at + 0.4, at) for at in (1, 2))), calls=calls("202", "202", began=1.0, lasts=0.3)
)


@pytest.mark.parametrize(
    ("gaps", "ended", "outcome", "why"),
    [
        ((1, 2, 4), 30.0, "passed", ""),
        ((1, 1, 1), 30.0, "failed", "do not grow"),
        ((1, 2, 4), 9.0, "failed", "had not ended"),
        ((), 30.0, "failed", "tried once"),
    ],
)
def test_what_is_done_after_an_answer_is_followed_after_it(gaps, ended, outcome, why):
    """Its tries are a call's until the next one begins, and over when none has come for long."""
    seen = run(
        episode(gaps, began=1.4),
        calls=calls("202", began=1.0, lasts=0.3),
        faults=[fault(at=1.4)],
        ended=ended,
    )
    trials = Trials(fault="reset", clean=LATER, pinned=(seen,))
    found = judge_waits(trials, workload=SERVER, service="labs").evidence

    assert (found.outcome, why in found.why) == (outcome, True), found.why


@pytest.mark.parametrize(("apart", "outcome"), [(1.0, "not-applicable"), (0.3, "failed")])
def test_what_is_asked_in_turn_is_not_tried_again(apart, outcome):
    """A refresher asks when it is its turn, whatever came of it before; who hurries after a failure tries again."""
    refreshed = clean(
        in_order(*(exchange(at + 0.5, at) for at in range(1, 9))),
        calls=calls(*["200"] * 8, began=1.0, lasts=0.1),
    )
    seen = run(
        episode([apart] * 25, began=1.5),
        calls=calls("200", began=1.0, lasts=0.1),
        faults=[fault(at=1.5)],
        ended=1.5 + 25 * apart,
    )
    trials = Trials(fault="reset", clean=refreshed, pinned=(seen,))
    found = judge_waits(trials, workload=SERVER, service="labs").evidence

    assert found.outcome == outcome, found.why


def test_a_call_that_tries_for_ever_as_often_as_it_is_called_has_no_turns():
    """What is tried while a caller waits is tried again, whatever the time between undisturbed calls is."""
    called = clean(
        in_order(*(exchange(at + 0.1, at) for at in range(1, 9))),
        calls=calls(*["200"] * 8, began=1.0, lasts=0.3),
    )
    seen = run(
        episode([1.0] * 25, began=1.1), calls=calls("503", began=1.0, lasts=60.0), faults=[fault(at=1.1)]
    )
    trials = Trials(fault="reset", clean=called, pinned=(seen,))

    assert asides(called, "labs") == Asides()
    assert judge_waits(trials, workload=SERVER, service="labs").evidence.outcome == "failed"


def test_without_asides_nothing_is_followed_after_an_answer():
    """A call whose tries are its own ends with its answer."""
    seen = run(episode((1, 2), began=1.4), calls=calls("202", began=1.0, lasts=0.3))

    assert [len(one.tries) for one in episodes(seen, "labs", asides=asides(LATER, "labs"))] == [3]
    assert episodes(seen, "labs") == ()


def test_a_breaker_of_what_is_done_after_answers_is_seen_by_what_goes_out():
    """Requests that nobody waits for are counted to the call before them: a server without a breaker sends them all."""
    begins = [float(number) for number in range(1, 31)]
    asked = calls(*["202"] * 30, began=1.0, lasts=0.1)
    lost = in_order(*(episode([], began=at + 0.4, first=number) for number, at in enumerate(begins, 1)))
    seen = run(lost, calls=asked, faults=[fault(at=1.4, healed_at=60.0)])

    found = breakers.judge(seen, clean=LATER, workload=SERVER, service="labs")

    assert (found.outcome, "one for one" in found.why) == ("failed", True), found.why


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("INSERT INTO orders\n  VALUES (1, 'a', 'b')", True),
        ("insert into orders values ($1, $2)", True),
        ("/* orders */ insert into -- all\n orders values ($1, $2)", True),
        ("select 1; insert into orders values (1, 2)", False),
        ("insert into orders_log values (1, 2)", False),
    ],
)
def test_a_statement_is_found_by_its_shape(sql, found):
    """Whatever its data and its line breaks, and nothing that only holds it."""
    assert bool(re.search(statement(WRITE), sql, re.IGNORECASE)) is found


def test_of_several_statements_in_one_text_the_first_is_looked_for():
    """Each is looked at alone: the text of all would never be found."""
    shape = "delete from orders where id = ?;\nselect count(*) from orders;"

    assert re.search(statement(shape), "delete from orders where id = 7", re.IGNORECASE)
    assert not re.search(statement(shape), "select count(*) from orders", re.IGNORECASE)


def test_a_connection_that_is_given_back_is_no_work():
    """What asyncpg's pool resets it with is cleanup, of which nothing is tried again."""
    reset = "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"
    given_back = clean(
        in_order(
            *(unit(at + 0.1, at, WRITE) for at in (1, 2, 3)),
            *(unit(at + 0.2, 20 + at, reset) for at in (1, 2, 3)),
            *(unit(at + 0.6, 10 + at, POLL) for at in (1, 2, 3)),
        ),
        calls=calls("201", "201", "201", began=1.0, lasts=0.3),
    )

    assert Attempt(what=reset, began=0.0, connection=1).is_cleanup
    assert asides(given_back, "labs").needed == {WRITE}


@pytest.mark.parametrize(
    ("asked", "is_prelude"),
    [
        ("select pg_catalog.version()", True),
        ("select current_schema()", True),
        (";", True),
        ("SELECT t.oid, typarray FROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid", True),
        ("WITH RECURSIVE types (oid) AS (SELECT oid FROM pg_catalog.pg_type WHERE oid = $1) ...", True),
        ("select version from schemas", False),
        ("select id from outbox", False),
    ],
)
def test_what_drivers_ask_of_each_new_connection_says_not_what_it_is_for(asked, is_prelude):
    """SQLAlchemy's first questions and its ping, and the types that psycopg2 and asyncpg look up."""
    assert Attempt(what=asked, began=0.0, connection=1).is_prelude == is_prelude
