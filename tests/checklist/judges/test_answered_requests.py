"""Requests that a server's calls were answered for, from records: when their number is known, and which are missing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from seen_runs import answer, clean, get, notice, run

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.recording import Recording
from pytest_resilience.chaos.run.exposure import Exposure, has_come_to_rest
from pytest_resilience.chaos.run.record import CallRecord, Message, ProcessRecord
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.checklist.judges.answered_requests import broken_promises, has_kept, promises

SERVER = WorkloadDeclaration(name="api", shape="server", uses=("warehouse", "labs"), deadline=10.0)
TWICE = tuple(ProcessRecord(began=at, ended=at + 5.0, exit_code=0) for at in (0.0, 5.0))
CONNECTIONS = itertools.count(1)


def calls(number, *, failed=0):
    """Return calls, one a second from the first second on, of which the last failed."""
    outcomes = ["201"] * (number - failed) + ["lost"] * failed
    return tuple(
        CallRecord(number=n, began=float(n), ended=n + 0.2, outcome=outcome)
        for n, outcome in enumerate(outcomes, 1)
    )


def mark(at):
    """Return the database's word that a row was marked."""
    return Message(
        at=at, service="warehouse", connection=1, side="reply", message="CommandComplete", shape="UPDATE"
    )


def sent(at, *, size=100):
    """Return a request that was answered, and the mark of its row."""
    number = next(CONNECTIONS)
    request = replace(
        get(at, number, path="/orders", method="POST"), target=f"key-{number}", body=size, keyed=True
    )
    return [notice(at, "connected", number), request, answer(at + 0.1, number), mark(at + 0.2)]


def seen(requests, make=run, **more):
    """Return a run with these requests."""
    return replace(make(itertools.chain.from_iterable(requests), exit_code=0), **more)


def undisturbed(requests, made):
    """Return a clean run with these requests."""
    record = seen(requests, clean, calls=made, states={"warehouse": PostgresState(tables={}, schema={})})
    return CleanRun(workload=SERVER, record=record, recording=Recording(workload="api", points=()))


def each_second(number):
    """Return as many requests, each half a second after its call."""
    return [sent(n + 0.5) for n in range(1, number + 1)]


@pytest.mark.parametrize(
    ("requests", "made", "each"),
    [
        (each_second(4), calls(4), 1),
        ([*each_second(4), *(sent(n + 0.6) for n in range(1, 5))], calls(4), 2),
        (each_second(5), calls(4), 0),
        (each_second(2), calls(2), 0),
        (each_second(4), calls(4, failed=1), 0),
        ([sent(0.1), sent(0.2), *each_second(2)], calls(4), 0),
        ([each[:3] for each in each_second(4)], calls(4), 0),
        ([[*each[:3], mark(n + 0.1)] for n, each in enumerate(each_second(4), 1)], calls(4), 0),
    ],
)
def test_what_a_call_stands_for_is_known_or_nothing_is_said(requests, made, each) -> None:
    """Each leaves as many, none comes before its call, and the server notes between its answers what it has sent."""
    found = promises(undisturbed(requests, made))

    assert [(promise.what, promise.each) for promise in found] == ([("POST /orders", each)] if each else [])


@pytest.mark.parametrize(
    ("requests", "made", "lost"),
    [
        (each_second(6), calls(6), 0),
        (each_second(5), calls(6), 1),
        (each_second(5), calls(6, failed=1), 0),
        (each_second(7), calls(6), 0),
        ([*each_second(4), sent(9.0, size=200)], calls(6), 0),
        ([*each_second(5), sent(9.0)[:2]], calls(6), 0),
    ],
)
def test_a_request_that_never_came_is_missed(requests, made, lost) -> None:
    """One that carries as much as two stands for both; one that nobody answered may have come."""
    first = undisturbed(each_second(4), calls(4))
    words = list(broken_promises(seen(requests, calls=made, processes=TWICE), first))
    record = seen(requests, calls=made)
    exposure = exposed(record.calls, record.messages, now=20.0)

    assert [word.split(" of ")[0] for word in words] == ([f"labs never got {lost}"] if lost else [])
    assert has_kept(first)(exposure) == (not lost)
    assert list(broken_promises(seen(requests, calls=made, processes=TWICE[:1]), first)) == []


def exposed(made, messages, *, now):
    """Return what is known of a server while it serves."""
    return Exposure(
        struck_at=None,
        now=now,
        calls=made,
        alerts=0,
        limit=10.0,
        scale=1.0,
        messages=lambda: messages,
        faults=lambda: (),
    )


@pytest.mark.parametrize(
    ("requests", "now", "rests"),
    [
        ([], 4.3, True),
        ([sent(n + 0.1) for n in range(1, 5)], 4.3, True),
        ([sent(n + 0.5) for n in range(1, 5)], 4.6, False),
        ([sent(n + 0.5) for n in range(1, 5)], 6.6, True),
        ([sent(n + 0.5) for n in range(1, 15)], 14.6, True),
        ([sent(n + 0.5) for n in range(1, 9)], 8.6, False),
    ],
)
def test_a_server_rests_when_it_has_made_what_it_put_off(requests, now, rests) -> None:
    """What it makes while it answers is not put off, and of what never ends no end is awaited."""
    messages = list(itertools.chain.from_iterable(requests))

    seen = exposed(calls(4), messages, now=now)

    assert has_come_to_rest(["labs"])(seen) is rests
    assert has_come_to_rest(["registry"])(seen)
