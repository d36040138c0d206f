"""Time lines: what happened when, without what was said."""

from __future__ import annotations

from dataclasses import replace

from pytest_resilience.chaos.run.record import CallRecord, Message, RunRecord
from pytest_resilience.report.attempts import attempts
from pytest_resilience.report.circuits import circuits
from pytest_resilience.report.timeline import MOST_MARKS, timeline


def labels(record, kind):
    """Return the labels of the marks of a kind."""
    return [mark.label for mark in timeline(record, id="r", title="t").marks if mark.kind == kind]


def request(at, message="GET /x", *, connection=1, fault=None):
    """Return a request."""
    return Message(at=at, service="labs", connection=connection, side="request", message=message, fault=fault)


def reply(at, message, *, connection=1):
    """Return a reply."""
    return Message(at=at, service="labs", connection=connection, side="reply", message=message)


def test_a_run_has_all_kinds_of_marks(record):
    """Messages, faults, attempts, breaker states, alerts, and what they belong to."""
    marks = timeline(record, id="r", title="t").marks

    assert {mark.kind for mark in marks} == {
        "process", "call", "message", "fault", "attempt", "breaker", "log", "alert", "check",
    }  # fmt: skip
    assert [mark.at for mark in marks] == sorted(mark.at for mark in marks)


def test_content_is_left_out(record):
    """What was written, logged, sent or read in a table may be a patient's."""
    assert "Roe" not in repr(timeline(record, id="r", title="t"))


def test_attempts_are_numbered(record):
    """The same request again after failed ones; the last one that succeeded belongs to them."""
    numbers = [seen.number for seen in attempts(record.messages)]

    assert numbers == [1, 2, 3, 4, 5]


def test_requests_that_succeed_are_no_attempts():
    """Fifty good requests of one form are fifty operations."""
    messages = [each for n in range(50) for each in (request(n), reply(n + 0.5, "200 OK"))]

    assert list(attempts(messages)) == []


def test_a_break_is_followed_by_an_attempt():
    """No reply at all is a failure too, and another connection goes on."""
    messages = [request(1, fault="f"), request(2, connection=2), reply(3, "200 OK", connection=2)]

    assert [(seen.at, seen.number) for seen in attempts(messages)] == [(1, 1), (2, 2)]


def test_breaker_states_are_told_from_the_wire(record):
    """Calls that fail with nothing sent are held back; then one succeeds."""
    assert [state.word for state in circuits(record)] == ["open", "closed"]


def test_a_trial_request_is_seen():
    """Open, a trial that fails, open again, a trial that succeeds."""
    times = list(range(12))
    outcomes = ["raised"] * 11 + ["ok"]
    sent = {0, 5, 11}
    record = RunRecord(
        workload="score",
        calls=tuple(
            CallRecord(number=n + 1, began=n, ended=n + 0.5, outcome=outcome)
            for n, outcome in zip(times, outcomes, strict=True)
        ),
        messages=tuple(request(n + 0.1) for n in times if n in sent),
    )

    assert [state.word for state in circuits(record)] == ["open", "trial", "open", "closed"]


def test_without_a_breaker_there_is_no_state():
    """Failing calls that each send a request are no open breaker."""
    calls = tuple(CallRecord(number=n, began=n, ended=n + 0.5, outcome="raised") for n in range(1, 30))
    record = RunRecord(workload="score", calls=calls, messages=tuple(request(n + 0.1) for n in range(1, 30)))

    assert list(circuits(record)) == []


def test_neighbours_alike_are_one_mark():
    """A bulk of rows is one bar; a struck message stands alone."""
    messages = tuple(request(n, "COPY data", fault="f" if n == 50 else None) for n in range(100))
    marks = timeline(RunRecord(workload="w", messages=messages), id="r", title="t").marks

    assert [mark.count for mark in marks if mark.kind == "message"] == [50, 1, 49]


def test_a_run_of_many_messages_keeps_the_telling_marks(record):
    """At most so many, with every fault and alert, and the report says how many are missing."""
    many = tuple(request(n / 1000, f"GET /{n % 2}") for n in range(3 * MOST_MARKS))
    line = timeline(replace(record, messages=many), id="r", title="t")

    assert len(line.marks) == MOST_MARKS
    assert line.left_out > MOST_MARKS
    assert labels(record, "alert") == [mark.label for mark in line.marks if mark.kind == "alert"]
