"""What HTTP services got, from records: a kill between a mark and a request loses it, and nothing in a table tells."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from seen_runs import answer, clean, get, log, notice, run

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.recording import Recording
from pytest_resilience.chaos.run.record import CallRecord, ProcessRecord
from pytest_resilience.checklist.judges.case import Case
from pytest_resilience.checklist.judges.deliveries import FIX, LEASE, fix_of, undelivered, with_repeats

JOB = WorkloadDeclaration(name="relay", shape="job", uses=("labs",), deadline=10.0)
FUNCTION = replace(JOB, shape="function")
CONNECTIONS = itertools.count(1)
TWICE = (
    ProcessRecord(began=0.0, ended=0.5, exit_code=137, killed=True),
    ProcessRecord(began=0.6, ended=9.0, exit_code=0),
)
OK, FAILED = (
    CallRecord(number=1, began=0.1, ended=9.0, outcome=outcome, error=()) for outcome in ("ok", "raised")
)
DEBUG, WARNING = (log(1.0, f'{{"level": "{level}", "event": "order 2"}}') for level in ("debug", "warning"))


def post(target, *, body=100, status=200, keyed=True, method="POST", path="/orders", strike=None):
    """Return the messages of one request on a connection of its own; without a status nobody answers."""
    number = next(CONNECTIONS)
    at = 1.0 + number / 1000
    request = get(at, number, path=path, method=method, keyed=keyed)
    seen = [notice(at, "connected", number), replace(request, target=target, body=body)]
    if strike is not None:
        seen.append(notice(at, f"{strike[0]} at POST /orders, {strike[1]}", number, fault_id="fault-7"))
    if status is not None:
        seen.append(answer(at, number, status=status))
    return [*seen, notice(at, "closed", number)]


def told(undisturbed, seen, *, ask=undelivered, workload=JOB, varying=frozenset(), processes=TWICE, **more):
    """Return what is said of a run that sent `seen`."""
    first = CleanRun(
        workload=workload,
        record=clean(itertools.chain.from_iterable(undisturbed), calls=more.pop("clean_calls", ())),
        recording=Recording(workload=workload.name, points=()),
        varying=varying,
    )
    record = run(itertools.chain.from_iterable(seen), exit_code=0)
    return list(ask(replace(record, processes=processes, **more), first))


def keyless(*targets, **more):
    """Return POSTs without a key."""
    return [post(target, keyed=False, **more) for target in targets]


ALL = [post("a"), post("b"), post("c")]


@pytest.mark.parametrize(
    ("undisturbed", "seen", "lost"),
    [
        (ALL, [post("a"), post("c")], 1),
        (ALL, [post("a"), post("c"), post("c")], 1),
        (ALL, [], 3),
        (ALL, [post("a"), post("b", status=503), post("c")], 1),
        (ALL, [post("a"), post("b", status=None, strike=("hold", "request")), post("c")], 1),
        (ALL, [post("a"), post("b", status=None, strike=("cut", "request")), post("c")], 1),
        (ALL, [post("a"), post("b", status=200, strike=("respond", "request")), post("c")], 1),
        (keyless("a", "a", "a"), keyless("a", "a"), 1),
        (keyless("a", "b"), keyless("a", "a"), 1),
        (keyless("a", "b", body=None), keyless("a", body=None), 1),
        (keyless("a", "b", body=0), keyless("a", body=0), 1),
        (keyless("a", "b", method="DELETE"), keyless("a", method="DELETE"), 1),
        (keyless("a", "b", method="PATCH"), keyless("a", method="PATCH"), 1),
    ],
)
def test_a_request_that_no_start_has_sent_is_lost(undisturbed, seen, lost):
    """It is told how many of how many, and that success was reported."""
    method = undisturbed[0][1].message
    of_all = f"{lost} of the {len(undisturbed)} {method} /orders of the undisturbed run"

    assert told(undisturbed, seen) == [f"labs never got {of_all}, and its last start ended with success"]


@pytest.mark.parametrize(
    ("undisturbed", "seen"),
    [
        (ALL, ALL),
        (ALL, [post("x"), post("y"), post("z")]),
        (ALL, [post("a"), post("b", status=None), post("b"), post("c")]),
        (ALL, [post("a"), post("b", status=None), post("c")]),
        (ALL, [post("a"), post("b", status=None, strike=("hold", "reply")), post("c")]),
        (ALL, [post("a"), post("b", status=None, strike=("cut", "reply")), post("c")]),
        (ALL, [post("a"), post("b", strike=("hold", "request")), post("c")]),
        (ALL, [post("a"), post("b", status=None, strike=("delay", "request")), post("c")]),
        (keyless("a", "a", method="PUT"), keyless("a", method="PUT")),
        (keyless("a", "a", method="GET"), []),
        (keyless("a", "a", path="/orders/search"), []),
        ([*ALL, post("d", status=500)], ALL),
        (keyless("a", "a"), keyless("a", body=180)),
        (ALL, [post("a"), post("d", body=180)]),
    ],
)
def test_what_has_come_is_not_lost(undisturbed, seen):
    """Under other keys, twice, perhaps, overwritten by the same, or two in one request."""
    assert told(undisturbed, seen) == []


def warned(run, clean):
    """Return the warnings of a kill that passed."""
    case = Case(item="checkpoints", subject="workload relay")
    assert with_repeats(case.failed("rows", "do"), run, clean) == case.failed("rows", "do")
    return with_repeats(case.passed("one"), run, clean).warnings[1:]


@pytest.mark.parametrize(
    ("seen", "count"),
    [
        ([*ALL, post("d")], 4),
        ([*ALL, post("d", status=None, strike=("hold", "reply"))], 4),
        ([*ALL, post("d", status=None)], None),
        ([*ALL, post("d", status=503)], None),
        ([*ALL, post("d", strike=("respond", "request"))], None),
        ([*ALL, post("c")], None),
        ([post("a"), post("b"), post("c", body=50), post("d", body=50)], None),
    ],
)
def test_what_is_done_again_under_another_key_is_wrong(seen, count):
    """Only what the service has surely done is counted; what two requests carry that were one is no more."""
    done = f"labs has done {count} POST /orders, 3 undisturbed"
    expected = [f"{done}: after the kill some were sent again under another idempotency key"] if count else []

    assert told(ALL, seen) == expected
    assert fix_of(expected, "rows") == (FIX if count else "rows")
    assert told(ALL, seen, processes=TWICE[1:]) == []
    assert told(ALL, seen, ask=warned) == []


@pytest.mark.parametrize(
    ("undisturbed", "seen"),
    [(keyless("a", "a", "a"), keyless(*"aaaa")), (ALL[:2], ALL), (ALL, [*ALL, *keyless("d")])],
    ids=["no key", "few", "not all"],
)
def test_what_may_be_done_again_is_warned_of(undisturbed, seen):
    """Without a key nobody can tell; one or two may belong to each start of a process."""
    (warning,) = told(undisturbed, seen, ask=warned)

    assert f"had done {len(seen)} POST /orders, {len(undisturbed)} undisturbed" in warning
    assert told(undisturbed, seen) == []


def test_nothing_is_asked_of_a_run_that_says_that_it_failed():
    """An exit status, a call that raised, or, of a single start, a warning."""
    once = TWICE[1:]

    assert told(ALL, [], processes=(TWICE[0],)) == []
    assert told(ALL, [], workload=FUNCTION, calls=(FAILED,), clean_calls=(OK,)) == []
    assert told(ALL, [], processes=once, logs=(WARNING,)) == []
    assert len(told(ALL, [], processes=once, logs=(DEBUG,))) == 1
    assert len(told(ALL, [], workload=FUNCTION, calls=(OK,), clean_calls=(OK,))) == 1
    assert len(told(ALL, [], logs=(WARNING,))) == 1


def test_what_differs_from_run_to_run_is_not_compared():
    """Requests whose number differs in two undisturbed runs, and a server that was asked more, or less."""
    assert told(ALL, [], varying=frozenset({("labs", "POST /orders")})) == []
    assert told(ALL, [], calls=(OK,), clean_calls=(OK, OK)) == []


def test_the_fix_is_about_what_is_wrong():
    """Where rows are wrong too, they come first."""
    lost = told(ALL, [])

    assert fix_of(lost, "rows") == FIX
    assert fix_of([*lost, "3 rows lost"], "rows") == fix_of([], "rows") == "rows"


def test_a_lease_is_spoken_of_where_a_server_was_waited_for():
    """What is held for longer than it was waited for comes later, and is not lost."""
    owed = "labs never got 1 of the 4 POST /orders that 4 calls were answered for"
    found = fix_of([f"{owed}, within 30 s after the last of them"], "rows")

    assert found == FIX + LEASE
