"""Item 9 from records: messages that help, messages that do not, and secrets in either."""

from __future__ import annotations

import base64
import json

import pytest
from seen_runs import clean, exchange, fault, log, run, struck

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import AlertRecord, CallRecord
from pytest_resilience.checklist.judges import messages
from pytest_resilience.checklist.records.message_facts import FACTS, facts_in

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))
GOOD = (
    "Could not load batch 17 into raw.icustays: the server closed the connection (SQLSTATE 08006). "
    "Start the ingestion again; it goes on at row 1200."
)


def judged(seen, **more):
    """Judge a run."""
    return messages.judge(seen, clean=clean(), workload=JOB, service="labs", **more)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (GOOD, set(FACTS)),
        (
            "Labs at http://labs:8080 refused the connection (errno 111); try again in 2 s",
            set(FACTS) - {"an identifier"},
        ),
        ("Something went wrong", set()),
        ("Error", set()),
        ("Internal Server Error", set()),
        ("division by zero", set()),
        ("connection refused", {"what failed", "why"}),
    ],
    ids=["all", "four", "wrong", "error", "page", "accident", "bare"],
)
def test_facts_are_found_in_words(text, facts):
    """What failed, where, why, what to do next, and an identifier."""
    assert facts_in(text) == facts


def test_who_never_came_back_had_nothing_to_say():
    """The time-out that is missing is item 1's; what would be said nobody knows, and what was said counts."""
    hanging = {"exit_code": None, "ended": None, "blocked": True}

    assert judged(run(struck(0.5), **hanging)).outcome == "unproven"
    assert judged(run(struck(0.5), exit_code=None, ended=9.0, blocked=True)).outcome == "failed"
    assert judged(run(struck(0.5), logs=[log(0.6, "ERROR Oops")], **hanging)).outcome == "failed"


@pytest.mark.parametrize(
    "record",
    [
        {"level": "ERROR", "event": "Something went wrong", "error": {"type": "LabsDown", "status": 503}},
        {
            "text": "12:00 | ERROR | Oops",
            "record": {"level": {"name": "ERROR"}, "message": "Oops", "run_id": "r-1"},
        },
    ],
    ids=["structlog", "loguru"],
)
def test_an_empty_message_stays_empty_in_any_library(record):
    """Fields beside it do not speak to who reads it."""
    found = judged(run(struck(0.5), logs=[log(0.6, json.dumps(record))]))

    assert (found.outcome, "all that is said is" in found.why) == ("failed", True)


def test_good_messages_pass():
    """A message with all five, wherever it is: exception, stderr, record."""
    call = CallRecord(number=1, began=0.5, ended=1.0, outcome="raised", error=("a.B", "c.D"), message=GOOD)

    assert judged(run(struck(0.5), stderr=GOOD)).outcome == "passed"
    assert judged(run(struck(0.5), calls=[call])).outcome == "passed"
    assert (
        judged(run(struck(0.5), logs=[log(0.6, json.dumps({"level": "ERROR", "message": GOOD}))])).outcome
        == "passed"
    )


@pytest.mark.parametrize(
    ("stderr", "outcome", "why"),
    [
        ("Something went wrong", "failed", "all that is said is"),
        ("connection refused", "failed", "tells 2 of 5"),
        ("Could not reach http://labs: connection refused", "unproven", "tells 3 of 5"),
        ("", "failed", "no message"),
    ],
)
def test_thin_messages_do_not_pass(stderr, outcome, why):
    """Two of five or fewer fail; three are not enough to be sure."""
    found = judged(run(struck(0.5), stderr=stderr))

    assert (found.outcome, why in found.why, bool(found.fix)) == (outcome, True, True)


def test_messages_in_a_log_that_nobody_reads_are_pointed_at():
    """An error that stands on standard output alone fails, with the remedy that fits."""
    found = judged(run(struck(0.5), stdout=json.dumps({"level": "ERROR", "message": GOOD})))

    assert (found.outcome, found.fix) == ("failed", 'say where the log is: logs = "stdout"')


def basic(login):
    """Return the header of HTTP's basic authentication (RFC 7617)."""
    return f" Authorization: Basic {base64.b64encode(login.encode()).decode()}"


@pytest.mark.parametrize(
    "leaky",
    [
        run(struck(0.5), stderr=GOOD + " password=hunter-7&x"),
        run(struck(0.5), stderr=GOOD + " GET /?key=hunter-7%26x"),
        run(struck(0.5), stderr=GOOD, logs=[log(0.1, '{"a": "hunter-7&x"}')]),
        run(
            struck(0.5),
            stderr=GOOD,
            alerts=[AlertRecord(at=1.0, channel="slack", body={"blocks": [{"text": "hunter-7&x"}]})],
        ),
        run(struck(0.5), faults=[fault(fired=False)], stderr="hunter-7&x"),
        run(struck(0.5), stderr=GOOD + basic("hunter-7&x")),
        run(struck(0.5), stderr=GOOD + basic("nurse:hunter-7&x")),
        run(struck(0.5), stderr=GOOD + basic("app:hunter-7&x/1")),
    ],
    ids=["stderr", "quoted", "log", "alert", "unfired", "base64", "basic", "basic with more"],
)
def test_a_planted_secret_is_a_veto(leaky):
    """Wherever it stands, and however good the message is; the secret itself is not told."""
    found = judged(leaky, canaries={"database password": "hunter-7&x"})

    assert (found.outcome, "database password" in found.why, "hunter" in found.why) == ("failed", True, False)


def test_base64_of_something_else_is_no_secret():
    """As little as a short piece of it."""
    seen = run(struck(0.5), stderr=GOOD + basic("nurse:another-one") + " " + basic("hunt")[-8:])

    assert judged(seen, canaries={"database password": "hunter-7&x", "short": "nurs"}).outcome == "passed"


def test_unfired_faults_prove_nothing():
    """No receipt, no verdict."""
    assert judged(run(exchange(0.5), faults=[fault(fired=False)], stderr=GOOD)).outcome == "unproven"


def test_fields_do_not_make_up_for_a_message_that_says_nothing():
    """A person reads the message first."""
    facts = {"level": "ERROR", "operation": "read", "resource": "labs", "status": 503, "request_id": "4711"}
    records = [log(0.6, json.dumps({**facts, "message": words})) for words in ("error occurred", GOOD)]

    assert judged(run(struck(0.5), logs=records[:1])).outcome == "failed"
    assert judged(run(struck(0.5), logs=records)).outcome == "passed"


def test_log_lines_on_stderr_are_no_message_of_their_own():
    """Their fields do not speak for a process that fails; what it says beside its log does."""
    facts = {"level": "ERROR", "operation": "read", "resource": "labs", "status": 503, "request_id": "4711"}
    line = json.dumps({**facts, "message": "error occurred"})
    said = CallRecord(
        number=1,
        began=0.5,
        ended=1.0,
        outcome="raised",
        error=("a.B",),
        message="risk.labs.LabsError: error occurred",
    )
    logged = {"logs": [log(0.6, line)], "calls": [said]}

    assert judged(run(struck(0.5), stderr=line + "\n", **logged)).outcome == "failed"
    assert judged(run(struck(0.5), stderr=f"{line}\n{GOOD}\n", **logged)).outcome == "passed"
