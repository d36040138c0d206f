"""What proves nothing is unproven, with the reason that helps; what is broken says what was expected and seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_resilience.chaos.expectations.fault_words import fault_words, ordinal
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.expectations.text import render, trace
from pytest_resilience.chaos.expectations.unproven import why_not_working, why_unproven
from pytest_resilience.chaos.expectations.verdict import verdict_of
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.run.record import (
    CallRecord,
    CheckRecord,
    FaultRecord,
    LogLine,
    Message,
    ProcessRecord,
)
from pytest_resilience.chaos.scenario.model import FaultOrder, Scenario, When

SCENARIO = Scenario(title="Commit reply lost", workload="ingest")
GOOD = Judgement(name="exit", phase="liveness", held=True, expected="status 0", seen="status 0")
BAD = Judgement(name="exactly_once", phase="safety", held=False, expected="each once", seen="2 keys doubled")


def message(at, text="Query", shape=None, **facts):
    """Make a message to the warehouse."""
    return Message(
        at=at, service="warehouse", connection=1, message=text, shape=shape, **{"side": "request"} | facts
    )


def unfired(on="warehouse", kind="cut", rows_seen=None, **when):
    """Make a fault that met nothing."""
    return FaultRecord(order=FaultOrder(on=on, when=When(**when), kind=kind), rows_seen=rows_seen)


SPOKEN = (message(0.1, "Startup"), message(0.5, "CommandComplete", "COMMIT", side="reply"))


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, None),
        ({"bypasses": ("a socket to 127.0.0.1:5432",)}, "traffic went around the proxy"),
        (
            {"before": (CheckRecord(check="select 1 on warehouse is 2", held=False, seen="1"),)},
            "the steady state did not hold at the start: select 1 on warehouse is 2, but was 1",
        ),
        ({"faults": (unfired("labs", start=True),)}, "there was no traffic to labs"),
        (
            {"faults": (unfired(message="COMMIT", nth=3, side="reply"),)},
            "the fault cut on warehouse at the 3rd COMMIT (reply) never fired: 1 matched, the 3rd was to be hit",
        ),
        ({"faults": (unfired(sql="insert"),)}, "never fired: 0 matched, the 1st was to be hit"),
        ({"faults": (unfired(rows=100),)}, "never fired: fewer than 100 rows were seen"),
        ({"faults": (unfired(rows=100, rows_seen=40),)}, "never fired: 40 rows were seen"),
        (
            {"faults": (unfired(rows=100, rows_seen=100),)},
            "never fired: 100 rows were seen, and none after them",
        ),
        ({"faults": (unfired(after=2.0),)}, "the fault cut on warehouse after 2 s never fired"),
        (
            {
                "faults": (
                    FaultRecord(
                        order=FaultOrder(on=None, when=When(start=True), kind="disk_full"),
                        impossible="no Python",
                    ),
                )
            },
            "the fault disk_full from the start cannot be made here: no Python",
        ),
    ],
)
def test_why_unproven(record, facts, why):
    """Each reason is said, in words that help."""
    said = why_unproven(record(messages=SPOKEN, **facts), record(messages=SPOKEN))

    assert (why in (said or "")) if why else said is None


@pytest.mark.parametrize(
    ("when", "near"),
    [
        ({"sql": "insert into reslts"}, "; nearest seen: insert into results"),
        ({"sql": r"^insert\s+into\s+(?-i:resluts)\b"}, "; nearest seen: insert into results"),
        ({"sql": "vacuum"}, ""),
        ({"rows": 5, "table": "raw.reslts", "rows_seen": 0}, "; nearest seen: insert into results"),
        ({"message": "COMIT"}, "; nearest seen: COMMIT"),
        ({"message": "MERGE"}, "; seen were Startup, INSERT, COMMIT"),
        ({"request": "GET /result/{id}", "on": "labs"}, "; nearest seen: GET /results/{x}"),
    ],
)
def test_what_was_nearest(record, when, near):
    """A slip in a trigger is told from traffic that never came."""
    messages = (
        message(0.1, "Startup"),
        message(0.2, shape="insert into results(id, name) values (?, ?)"),
        message(0.3, shape="commit"),
        replace(message(0.4, "GET /results/7", "/results/{}"), service="labs"),
    )

    said = why_unproven(record(messages=messages, faults=(unfired(**when),)), record(messages=messages))

    assert said.partition(": ")[2].partition("; nearest")[0].partition("; seen")[0].endswith(("hit", "seen"))
    assert said.endswith(near or "was to be hit")


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (
            FaultOrder(on="warehouse", when=When(message="COMMIT", side="reply"), kind="disk_full"),
            """wrote nothing below '.'; for a full disk of the database's server use `error: {sqlstate: "53100"}`""",
        ),
        (
            FaultOrder(
                when=When(after=1.0), kind="disk_full", attributes={"path": "state", "bytes": 4096}, on=None
            ),
            "wrote no more than the 4096 bytes that are allowed below 'state'",
        ),
    ],
)
def test_full_disk_that_met_no_write(record, order, why):
    """It was there and healed, so it is not said to have missed its trigger."""
    fault = FaultRecord(order=order, injected_at=0.5, healed_at=0.619)
    run = record(messages=SPOKEN, faults=(fault,))
    verdict = verdict_of(SCENARIO, run, record(messages=SPOKEN), [GOOD])

    assert verdict.why.endswith(f"never fired: it was there from 0.500 s on, but the workload {why}")
    assert ": there from 0.500 s on, but never fired, healed at 0.619 s" in render(
        verdict, SCENARIO, run, replay="pytest"
    )


@pytest.mark.parametrize(
    ("kind", "attributes", "why"),
    [
        ("slicer", {"size": 20_000}, "nothing larger than pieces of 20000 bytes came by"),
        ("limit_data", {"bytes": 5_000}, "no connection carried 5000 bytes"),
    ],
)
def test_messages_that_are_too_small(record, kind, attributes, why):
    """Connections came across the fault, so it is not said that none did."""
    order = FaultOrder(on="warehouse", when=When(start=True), kind=kind, attributes=attributes)
    fault = FaultRecord(order=order, injected_at=0.5, healed_at=0.619)
    verdict = verdict_of(SCENARIO, record(messages=SPOKEN, faults=(fault,)), record(messages=SPOKEN), [GOOD])

    assert verdict.why.endswith(f"never fired: it was there from 0.500 s on, but {why}")


JUMP = FaultRecord(
    order=FaultOrder(on=None, when=When(start=True), kind="clock_jump", attributes={"by": -3600.0}),
    injected_at=0.5,
    healed_at=0.501,
)


def test_clock_that_nobody_read(record):
    """Connections have nothing to do with it."""
    run = record(messages=SPOKEN, faults=(JUMP,))
    verdict = verdict_of(SCENARIO, run, record(messages=SPOKEN), [GOOD])

    assert verdict.why.endswith(
        "never fired: it jumped at 0.500 s, but the workload did not read the wall clock from then on"
    )


def test_clock_that_jumped_stays_so(record):
    """It is not said to be healed before anybody has read it."""
    read = replace(JUMP, receipts=(Receipt(at=0.9, service="workload", kind="clock_jump"),))
    run = record(messages=SPOKEN, faults=(read,))
    verdict = verdict_of(SCENARIO, run, record(messages=SPOKEN), [GOOD])

    assert "clock_jump from the start: there from 0.500 s on, fired at 0.900 s\n" in render(
        verdict, SCENARIO, run, replay="pytest"
    )


@pytest.mark.parametrize(
    ("undisturbed", "disturbed", "connection", "proven"),
    [
        (SPOKEN, (), None, True),
        ((message(0.1, "connected", side="-"),), (), None, True),  # all that is known of a tcp service
        ((), (message(2.5, "Startup"),), None, True),
        ((), (), None, False),
        ((), (), 1, True),
    ],
)
def test_closed_listener_sees_nobody(record, undisturbed, disturbed, connection, proven):
    """Its own receipt is no traffic; that of the undisturbed run, or of connections that came through, is."""
    receipt = Receipt(at=0.0, service="warehouse", kind="down", connection=connection)
    order = FaultOrder(on="warehouse", when=When(start=True), kind="down")
    run = record(messages=disturbed, faults=(FaultRecord(order=order, receipts=(receipt,)),))

    said = why_unproven(run, record(messages=undisturbed))

    assert said is None if proven else said.startswith("there was no traffic to warehouse")


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, None),
        ({"exit_code": 3}, "status 3"),
        ({"exit_code": 143}, "status 143 (signal 15)"),
        ({"processes": ()}, "it was never started"),
        (
            {"processes": (ProcessRecord(began=0, ended=None, exit_code=None, stderr="a\nKeyError: 'X'\n"),)},
            "no status; its last line: KeyError: 'X'",
        ),
        ({"calls": (CallRecord(number=1, began=0, ended=1, outcome="ok"),)}, None),
        ({"calls": (CallRecord(number=1, began=0, ended=1, outcome="200"),), "exit_code": 143}, None),
        (
            {"calls": (CallRecord(number=1, began=0, ended=1, outcome="500", message="oops"),)},
            "none of its 1 calls did; the last: 500 oops",
        ),
    ],
)
def test_clean_run_that_did_not_work(record, facts, why):
    """A workload that fails without any fault proves nothing with one."""
    assert why_not_working(record(**facts)) == why


@pytest.mark.parametrize(
    ("judgements", "clean_exit", "word"),
    [
        ((GOOD,), 0, "passed"),
        ((BAD, GOOD), 0, "failed"),
        ((BAD, GOOD), 1, "unproven"),
        ((GOOD,), 1, "unproven"),
        ((), 0, "unproven"),
    ],
)
def test_verdict(record, judgements, clean_exit, word):
    """Unproven comes before failed, and nothing asked is nothing proven."""
    verdict = verdict_of(SCENARIO, record(), record(exit_code=clean_exit), judgements)

    assert (verdict.word, bool(verdict.why)) == (word, word != "passed")


def test_text_tells_all(record):
    """Safety and liveness apart, the fault, the messages around it, the last lines, the command."""
    run = record(
        messages=(
            message(0.9, shape="insert into raw.stays values (?)", count=3),
            message(1.0, "CommandComplete", "COMMIT", side="reply", transaction="I", fault="cut-1"),
            message(1.1, "closed", side="-"),
        ),
        logs=(LogLine(at=1.2, text='{"level": "ERROR"}'),),
        notes=("time_scale 10",),
    )
    verdict = verdict_of(SCENARIO, run, record(), [BAD, GOOD])
    text = render(verdict, SCENARIO, run, replay="pytest x.yaml", service_logs={"warehouse": ["LOG: ready"]})

    assert (
        text
        == """failed: Commit reply lost
Safety, during the fault:
  BROKEN exactly_once: expected each once; seen: 2 keys doubled
Liveness, after heal:
  ok     exit: expected status 0; seen: status 0
Faults:
  cut on warehouse at the 3rd COMMIT (reply): fired at 1.000 s, healed at 2.000 s
Messages around the first receipt:
  0.900  warehouse#1  ->  Query x3         insert into raw.stays values (?)
  1.000  warehouse#1  <-  CommandComplete  COMMIT                            I  <= cut-1
  1.100  warehouse#1  --  closed
Last lines of the workload:
  1.200 {"level": "ERROR"}
Last lines of warehouse:
  LOG: ready
Notes:
  time_scale 10
Replay: pytest x.yaml"""
    )


def test_trace_is_cut_around_the_receipt(record):
    """Of many messages the nearest are shown."""
    run = record(messages=tuple(message(n / 10) for n in range(100)))

    assert [line.split()[0] for line in trace(run, around=2)] == ["0.900", "1.000", "1.100", "1.200"]


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")],
)
def test_ordinal(number, words):
    """English counts so."""
    assert ordinal(number) == words


def test_fault_words():
    """A fault reads as a sentence."""
    order = FaultOrder(on="labs", when=When(request="POST /x", connection=2), kind="respond")

    assert fault_words(order) == "respond on labs at the 1st POST /x of connection 2 (request)"
