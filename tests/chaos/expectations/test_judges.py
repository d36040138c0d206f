"""Each expectation is held by a run that meets it, and broken by one that does not."""

from __future__ import annotations

import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pytest_resilience.chaos.configuration.model import AlertRule, Atomic, ExactlyOnce
from pytest_resilience.chaos.expectations.judges import JUDGES, judge
from pytest_resilience.chaos.expectations.sql import ask_sql, is_equal
from pytest_resilience.chaos.expectations.steady import until_steady
from pytest_resilience.chaos.run.record import (
    AlertRecord,
    CallRecord,
    CheckRecord,
    LogLine,
    Message,
    ProcessRecord,
)
from pytest_resilience.chaos.scenario.model import (
    AlertExpectation,
    Expectations,
    HttpCheck,
    LogExpectation,
    SqlCheck,
)
from pytest_resilience.errors import HarnessError


def test_every_expectation_has_a_judge():
    """Who adds an expectation adds its judge."""
    fields = [field.name for field in dataclasses.fields(Expectations)]

    assert [name for name, _ in JUDGES] == fields


def held(expect, record, context):
    """Return whether each judgement held."""
    return [judgement.held for judgement in judge(expect, record, context)]


@pytest.mark.parametrize(
    ("wanted", "code", "expected"),
    [
        (0, 0, True),
        (0, 1, False),
        (137, 137, True),
        ("nonzero", 3, True),
        ("nonzero", 0, False),
        ("nonzero", None, False),
    ],
)
def test_exit(record, context, wanted, code, expected):
    """The last status counts; none is never what was asked for."""
    assert held(Expectations(exit=wanted), record(exit_code=code), context()) == [expected]


BY_ITSELF = {"ended": 3.0}
TOLD = {"ended": None, "told_to_end": True}
KILLED = {"ended": 3.0, "told_to_end": True, "killed": True}


@pytest.mark.parametrize(
    ("wanted", "end", "code", "expected"),
    [
        (None, BY_ITSELF, 0, [False]),
        (None, BY_ITSELF, 3, [False]),
        (None, TOLD, 143, []),
        (None, KILLED, 137, []),
        (0, BY_ITSELF, 0, [False]),
        (0, TOLD, 143, [True]),
        (0, TOLD, 0, [True]),
        (0, TOLD, 3, [False]),
        (0, KILLED, 137, [False]),
        (143, TOLD, 143, [True]),
        (137, KILLED, 137, [True]),
        (3, BY_ITSELF, 3, [True]),
        ("nonzero", BY_ITSELF, 3, [True]),
        ("nonzero", BY_ITSELF, 0, [False]),
        ("nonzero", TOLD, 143, [False]),
    ],
)
def test_server_ends_when_it_is_told(record, context, wanted, end, code, expected):
    """One that ends by itself has failed whatever else is asked, unless its end is; one that we end has not."""
    process = ProcessRecord(began=0.0, exit_code=code, **end)
    run = record(processes=(process,))

    assert held(Expectations(exit=wanted), run, context(shape="server")) == expected


def test_server_that_was_started_again_serves(record, context):
    """After a kill of ours the last start counts."""
    starts = (
        ProcessRecord(began=0.0, exit_code=137, **KILLED),
        ProcessRecord(began=3.1, exit_code=143, **TOLD),
    )

    assert held(Expectations(no_leak=True), record(processes=starts), context(shape="server")) == [True]


def test_blocked_process_has_not_exited(record, context):
    """A process that we had to end did not fail by itself."""
    blocked = ProcessRecord(began=0.0, ended=None, exit_code=137, blocked=True)
    judged = judge(Expectations(exit="nonzero"), record(processes=(blocked,)), context())

    assert [(each.held, each.seen) for each in judged] == [(False, "still running at its deadline")]


@pytest.mark.parametrize(
    ("cell", "equals", "expected"),
    [
        ("1", 1, True),
        ("1.0", 1, True),
        ("1.00", 1.0, True),
        ("0.1", 0.1, True),
        ("2", 1, False),
        ("1e3", 1000, True),
        ("x", 1, False),
        ("9007199254740993", 9007199254740992, False),
        (True, True, True),
        (True, "true", True),
        ("true", True, True),
        (False, True, False),
        ("1", True, False),
        (True, 1, False),
        (None, None, True),
        (None, 0, False),
        ("", None, False),
        ("abc", "abc", True),
        ("ABC", "abc", False),
        ("1", "1", True),
        ("1.0", "1", False),
    ],
)
def test_cell(cell, equals, expected):
    """Numbers numerically, truth as truth, null, the rest as text."""
    assert is_equal(cell, equals) is expected


@pytest.mark.parametrize(
    ("query", "equals", "expected", "seen"),
    [
        ("select 1", 1, True, "1"),
        ("select 1 = 1", True, True, "true"),
        ("select null::int", None, True, "null"),
        (
            "select '2020-01-01 00:00:00+00'::timestamptz",
            "2020-01-01 00:00:00+00",
            True,
            "'2020-01-01 00:00:00+00'",
        ),
        ("select array[1,2]", "{1,2}", True, "'{1,2}'"),
        ("select 'O''Brien'", "O'Neill", False, "'O''Brien'"),
        ("select 'Jane Roe'", 1, False, "'Jane Roe'"),
        ("select 1234567", "7654321", False, "'1234567'"),
        ("select 1234567", None, False, "'1234567'"),
        ("select 1234567", True, False, "'1234567'"),
        ("select 10::numeric / 4", 2.5, True, "2.5000000000000000"),
        ("select '%s%%'", "%s%%", True, "'%s%%'"),
        ("show server_encoding", "UTF8", True, "'UTF8'"),
        ("select 1, 2", 1, False, "the query has 1 rows of 2 columns; one cell is asked for"),
        (
            "select generate_series(1, 3)",
            1,
            False,
            "the query has 3 rows of 1 columns; one cell is asked for",
        ),
        ("select 1 where false", 1, False, "the query has no row; one cell is asked for"),
        ("set a.b = 1", 1, False, "the query has no result; one cell is asked for"),
        ("select * from nowhere", 1, False, 'the query failed: relation "nowhere" does not exist'),
    ],
)
def test_sql(database, context, query, equals, expected, seen):
    """One cell is asked for; anything else is said."""
    answer = ask_sql(SqlCheck(on="warehouse", query=query, equals=equals), context(database).look)

    assert (answer.held, answer.seen) == (expected, seen)


def test_answer_that_was_taken_after_heal_counts(record, context):
    """A server is gone when its run is judged: what it answered while it served is what counts."""
    check = HttpCheck(on="api", request="GET /health", status=200)
    answers = {check: CheckRecord(check="health", held=True, seen="200")}

    assert held(Expectations(http=(check,)), record(answers=answers), context(url="http://127.0.0.1:1")) == [
        True
    ]


@pytest.fixture
def web():
    """A server that answers each path with its own number."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(self.path.rpartition("/")[2]))
            self.end_headers()
            self.wfile.write(b"all is well")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("GET /200", 200, None), True),
        (("get /200", None, None), True),
        (("GET /500", None, None), False),
        (("GET /503", 503, "well"), True),
        (("GET /200", 200, "ill"), False),
        (("GET /302", 302, None), True),
    ],
)
def test_http(record, context, web, asked, expected):
    """Status and body are compared; without a status, an error is not what was asked for."""
    request, status, body = asked
    check = HttpCheck(on="api", request=request, status=status, body=body)

    assert held(Expectations(http=(check,)), record(), context(url=web)) == [expected]


def test_silent_server_is_said(record, context):
    """No answer is what was seen, not a crash of ours."""
    check = HttpCheck(on="api", request="GET /", status=200)
    judged = judge(Expectations(http=(check,)), record(), context(url="http://127.0.0.1:1"))

    assert [(each.held, each.seen[:10]) for each in judged] == [(False, "no answer:")]


def line(at=1.5, **facts):
    """Make a JSON line."""
    return LogLine(at=at, text=json.dumps(facts), record=facts)


WARNED = {"level": "WARNING", "operation": "ingest", "attempt": 1, "msg": "lost"}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (WARNED, True),
        (WARNED | {"level": "error"}, True),
        (WARNED | {"level": "info"}, False),
        ({**WARNED, "level": 40}, True),
        ({**WARNED, "level": 30}, False),
        ({**WARNED, "level": 4}, True),
        ({**WARNED, "level": 6}, False),
        ({"severity": "MEDIUM", "operation": "x", "context": {"attempt": 2}}, True),
        ({"log.level": "warn", "labels": {"operation": "x", "attempt": 2}}, True),
        ({"log": {"level": "warn"}, "operation": "x", "attempt": 2}, True),
        ({"levelno": 30, "operation": "x", "attempt": 2}, True),
        ({"record": {"level": {"name": "ERROR", "no": 40}, "extra": {"operation": "x", "attempt": 2}}}, True),
        ({"severity": "HIGH", "operation": "x", "attempt": 0, "context": {"level": 7}}, True),
        (WARNED | {"attempt": None}, False),
        (WARNED | {"operation": ""}, False),
        ({"operation": "x", "attempt": 2}, False),
    ],
)
def test_log(record, context, facts, expected):
    """Levels and fields are found as logging libraries write them."""
    wanted = LogExpectation(level="WARNING", fields=("operation", "attempt"))

    assert held(Expectations(logs=(wanted,)), record(logs=(line(**facts),)), context()) == [expected]


@pytest.mark.parametrize(
    ("wanted", "log", "expected"),
    [
        (LogExpectation(fields=("timestamp", "event")), line(ts="x", msg="y"), True),
        (LogExpectation(fields=("error.type",)), line(error={"type": "x"}), True),
        (LogExpectation(matches="giv(en|ing) up"), LogLine(at=1.5, text="giving up now"), True),
        (LogExpectation(matches="given"), LogLine(at=1.5, text="giving up now"), False),
        (LogExpectation(level="ERROR"), LogLine(at=1.5, text="ERROR giving up"), False),
        (LogExpectation(level="ERROR"), line(0.5, level="ERROR"), False),
        (LogExpectation(level="ERROR"), line(0.5, level="ERROR", ts="2026-01-01T10:00:00Z"), True),
        (LogExpectation(level="ERROR"), line(0.5, level="ERROR", ts="2026-01-01T10:00:00.500Z"), False),
        (LogExpectation(level="ERROR"), line(0.9995, level="ERROR", ts="2026-01-01 10:00:00,999"), True),
    ],
)
def test_which_lines_count(record, context, wanted, log, expected):
    """Lines after the first receipt, as exactly as they say when they were written."""
    assert held(Expectations(logs=(wanted,)), record(logs=(log,)), context()) == [expected]


def test_nearest_line_is_described(record, context):
    """What the best line lacks is said, without what it says."""
    logs = (line(level="INFO", name="Jane Doe"), line(level="ERROR", name="Jane Doe"))
    wanted = LogExpectation(level="ERROR", fields=("attempt",))
    judged = judge(Expectations(logs=(wanted,)), record(logs=logs), context())

    assert [each.seen for each in judged] == ["2 lines, the nearest lacks: no attempt"]


def test_unknown_level_is_refused(record, context):
    """A level that nobody knows would never be reached, or always."""
    with pytest.raises(HarnessError, match="did you mean 'WARNING'"):
        judge(
            Expectations(logs=(LogExpectation(level="WARNIN"),)), record(logs=(line(level="x"),)), context()
        )


def page(severity="critical", component="database", at=1.5, **facts):
    """Make a PagerDuty event."""
    payload = {"summary": "x", "severity": severity, "source": "y", "component": component}
    body = {"event_action": facts.pop("action", "trigger"), "payload": payload}
    return AlertRecord(at=at, channel="pagerduty", body=body, **facts)


def text(words, channel="slack", at=1.5):
    """Make a Slack message or an e-mail."""
    return AlertRecord(at=at, channel=channel, body={"subject": words, "text": "see the runbook"})


DATABASE = AlertExpectation(severity="CRITICAL", component="database")


@pytest.mark.parametrize(
    ("wanted", "alert", "expected"),
    [
        (DATABASE, page(), True),
        (DATABASE, page("error"), False),
        (DATABASE, page(component="api"), False),
        (AlertExpectation(severity="HIGH"), page("error"), True),
        (AlertExpectation(severity="error"), page("error"), True),
        (AlertExpectation(severity="LOW"), page("info"), True),
        (DATABASE, text("CRITICAL database: lost"), True),
        (DATABASE, text("[HIGH] database: lost"), False),
        (DATABASE, text("[CRITICAL] databases-2: lost"), False),
        (AlertExpectation(channel="email"), text("x", "email"), True),
        (AlertExpectation(channel="email"), text("x"), False),
        (AlertExpectation(within=1.0), page(at=2.0), True),
        (AlertExpectation(within=1.0), page(at=2.5), False),
        (AlertExpectation(), page(at=0.5), False),
        (AlertExpectation(), page(action="resolve"), False),
        (AlertExpectation(), page(rejected="no routing_key"), False),
        (AlertExpectation(none=True), page(), False),
        (AlertExpectation(none=True), page(rejected="no routing_key"), False),
        (AlertExpectation(none=True), page(action="resolve"), True),
    ],
)
def test_alert(record, context, wanted, alert, expected):
    """Severity, component, channel and time; `none` means that nobody was called."""
    assert held(Expectations(alerts=(wanted,)), record(alerts=(alert,)), context()) == [expected]


@pytest.mark.parametrize(("at", "expected"), [(2.5, True), (1.0, True), (13.0, False), (None, False)])
def test_recovery(record, context, at, expected):
    """The steady state counts from heal."""
    run = record(before=(CheckRecord(check="x", held=True),), recovered_at=at)

    assert held(Expectations(recovers_within=10.0), run, context()) == [expected]


def reply(at, message="CommandComplete", **facts):
    """Return a message from the lost service."""
    return {
        "messages": (
            Message(at=at, service="warehouse", connection=2, side="reply", message=message, **facts),
        )
    }


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (reply(2.5), True),
        (reply(13.0), False),
        (reply(1.5), False),
        (reply(2.5, "ErrorResponse"), False),
        (reply(2.5, "503 Service Unavailable"), False),
        (reply(2.5, fault="f1"), False),
        ({"calls": (CallRecord(number=3, began=1.0, ended=3.0, outcome="200"),)}, True),
        ({"calls": (CallRecord(number=3, began=1.0, ended=3.0, outcome="503"),)}, False),
        ({"processes": (ProcessRecord(began=0.0, ended=5.0, exit_code=0),)}, True),
        ({"processes": (ProcessRecord(began=0.0, ended=5.0, exit_code=1),)}, False),
    ],
)
def test_recovery_without_a_steady_state(record, context, facts, expected):
    """A bound that is asked for is judged: by replies, calls and the end after the heal at second 2."""
    run = record(exit_code=1, **facts)

    assert held(Expectations(recovers_within=10.0), run, context()) == [expected]
    assert held(Expectations(), run, context()) == []


def test_duration_and_leak(record, context):
    """Too long, and something left."""
    run = record(duration=9.0, leaks=("1 connection still open (1 idle)",))
    expect = Expectations(duration=8.0, no_leak=True)

    assert [(each.name, each.held) for each in judge(expect, run, context())] == [
        ("no_leak", False),
        ("duration", False),
    ]


def test_declared_atomic_is_always_judged(record, context):
    """A statement that was not true is broken safety in any scenario."""
    declared = context(atomic=(Atomic(service="warehouse", sql="select true"),))

    assert (
        held(Expectations(), record(), declared),
        held(Expectations(), record(violations=("x",)), declared),
    ) == (
        [True],
        [False],
    )


def test_exactly_once(record, context, database, tmp_path):
    """The table is judged around the proxy, by its declaration; an undeclared one is named with its nearest."""
    promise = ExactlyOnce(service="warehouse", table="raw.stays", key=("stay_id",), rows="stays.csv")
    declared = context(database, folder=tmp_path, exactly_once=(promise,))
    judged = judge(Expectations(exactly_once=("raw.Stays",)), record(), declared)
    with pytest.raises(HarnessError, match=r"did you mean 'raw\.stays'"):
        judge(Expectations(exactly_once=("raw.stay",)), record(), declared)

    assert [(each.held, each.seen) for each in judged] == [(False, "raw.stays is not there: no such table")]


def test_steady_state_is_waited_for(database, context):
    """It is asked until it holds, or the bound is over; at least once."""

    class Ticks:
        """A clock that only moves when somebody sleeps."""

        now = 0.0

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    look = context(database).look
    good, bad = (SqlCheck(on="warehouse", query="select 1", equals=number) for number in (1, 2))
    waits = [until_steady([check], look, bound=0.2, clock=Ticks()) for check in (good, bad)]

    assert [(wait.held_at, wait.checks[0].held) for wait in waits] == [(0.0, True), (None, False)]


@pytest.mark.parametrize(
    ("wanted", "at", "expected"),
    [
        (DATABASE, 1.5, True),
        (DATABASE, 0.5, False),
        (AlertExpectation(severity="HIGH"), 1.5, False),
        (AlertExpectation(within=1.0), 2.5, False),
        (AlertExpectation(channel="slack"), 1.5, False),
        (AlertExpectation(none=True), 1.5, False),
        (AlertExpectation(none=True), 0.5, False),
        (AlertExpectation(none=True), None, True),
    ],
)
def test_alert_by_a_rule_on_the_log(record, context, wanted, at, expected):
    """Where alerts are raised elsewhere, what raises them is the line; before the fault it is of no outage."""
    rule = AlertRule(severity="CRITICAL", component="database", level="ERROR", matches="lost")
    lines = [LogLine(at=1.2, text="INFO lost"), LogLine(at=1.2, text="ERROR slow")]
    lines += [] if at is None else [LogLine(at=at, text="ERROR lost")]
    where = dataclasses.replace(context(), rules=(rule,))

    (found,) = judge(Expectations(alerts=(wanted,)), record(logs=tuple(lines)), where)
    assert found.held is expected
    assert found.seen == (
        "none" if at is None or (at < 1 and not wanted.none) else f"rule CRITICAL/database {at - 1:+.2f} s"
    )
