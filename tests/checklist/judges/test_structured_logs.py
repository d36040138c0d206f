"""Item 5 from records: what counts as a structured record of a fault."""

from __future__ import annotations

import json

import pytest
from seen_runs import clean, exchange, fault, log, run, struck

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.expectations.log_levels import level_of, parse_line
from pytest_resilience.chaos.run.record import CallRecord
from pytest_resilience.checklist.judges import structured_logs
from pytest_resilience.checklist.records.facts import facts_of

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",))
FULL = {
    "timestamp": "2026-01-01T00:00:00+00:00",
    "level": "ERROR",
    "event": "batch failed",
    "error": {"type": "LabsDown"},
    "context": {"operation": "ingest", "service": "labs"},
    "attempt": 3,
    "run_id": "r-17",
}


def judged(*lines, exit_code=1, **more):
    """Judge a run that wrote these lines after the fault."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    seen = run(struck(0.5), exit_code=exit_code, logs=[log(0.6, text) for text in texts], **more)
    return structured_logs.judge(seen, clean=clean(), workload=JOB, service="labs")


def test_who_never_came_back_had_nothing_to_log():
    """The time-out that is missing is item 1's; what was logged before counts."""
    hanging = {"exit_code": None, "ended": None, "blocked": True}

    assert judged(**hanging).outcome == "unproven"
    assert judged("it failed", **hanging).outcome == "failed"
    assert judged(exit_code=None, ended=9.0, blocked=True).outcome == "failed"


@pytest.mark.parametrize(("at", "outcome"), [(0.6, "failed"), (15.0, "failed"), (40.0, "passed")])
def test_a_flood_is_one_of_the_fault(at, outcome):
    """What a server that is not back yet logs for each request is as much as it is asked."""
    lines = [log(0.6, json.dumps(FULL)), *(log(at, json.dumps(FULL)) for _ in range(1001))]
    seen = run(struck(0.5), faults=[fault(healed_at=10.0)], logs=lines)

    assert structured_logs.judge(seen, clean=clean(), workload=JOB, service="labs").outcome == outcome


LOGFMT = (
    "time=2026-01-01T00:00:00Z level=error msg=failed error_type=LabsDown op=ingest service=labs attempt=2"
)

LOGURU = {
    "text": "2026-01-01 00:00:00 | ERROR | ingest:run:9 - labs are lost\nTraceback (most recent call last): ...",
    "record": {
        "exception": {"type": "LabsDown", "value": "no answer", "traceback": True},
        "extra": {"run_id": "r-17", "service": "labs"},
        "function": "run",
        "level": {"icon": "x", "name": "ERROR", "no": 40},
        "message": "labs are lost",
        "time": {"repr": "2026-01-01 00:00:00+00:00", "timestamp": 1767225600.0},
    },
}
"""As `serialize=True` writes it."""
ECS = {
    "@timestamp": "2026-01-01T00:00:00Z",
    "log": {"level": "error", "origin": {"function": "run"}},
    "message": "labs are lost",
    "error": {"type": "LabsDown", "message": "no answer"},
    "service": {"name": "labs"},
    "trace": {"id": "r-17"},
}
NESTED = [LOGURU, ECS]


@pytest.mark.parametrize("line", NESTED, ids=["loguru", "ecs"])
def test_libraries_write_the_level_further_in(line):
    """What stands beside the message in one library stands in a mapping of its own in another."""
    assert level_of(line) == 40
    assert (judged(line).outcome, judged(line).why) == ("passed", "")


def test_the_level_at_the_top_is_the_records_own():
    """What a record says of something else is not its level."""
    assert level_of({"level": "INFO", "alert": {"severity": "critical"}}) == 20


@pytest.mark.parametrize(
    "line", [FULL, LOGFMT, {**FULL, "attempt": None, "run_id": ""}], ids=["json", "logfmt", "six"]
)
def test_full_records_pass(line):
    """JSON and logfmt, nested or flat, with six facts or more."""
    assert judged(line).outcome == "passed"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "left no line"),
        (["Traceback (most recent call last):", "  File x", "OSError: no"], "bare traceback"),
        (["ERROR something broke"], "free text"),
        ([{"level": "ERROR", "event": "x"}], "carries 2 of 8 facts"),
        ([{**FULL, "level": "INFO"}], "less than the level"),
        ([FULL] * 1001, "1001 lines"),
        ([FULL, *["ERROR plain words"] * 5], "1 of 6 lines"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_logs_fail(lines, why):
    """Nothing, tracebacks, free text, thin records, wrong levels, floods, records among free text."""
    found = judged(*lines)

    assert (found.outcome, why in found.why, bool(found.fix)) == ("failed", True, True)


@pytest.mark.parametrize(
    ("line", "which"),
    [
        ("ERROR:urllib3.connectionpool:no answer for Jane Doe", "(ERROR from urllib3.connectionpool)"),
        (
            "WARNING jane.doe was not found by Jane Doe",
            "one of 42 characters (WARNING), 0.60 s after the start,",
        ),
        ("2026-01-01 00:00:00 Jane Doe", "one of 28 characters, 0.60 s after the start,"),
        ("Traceback (most recent call last):", "a traceback, 0.60 s after the start,"),
    ],
)
def test_a_line_of_free_text_is_named_without_its_words(line, which):
    """Its level, the library whose logger wrote it, its length and its time: the rest may be a patient's."""
    why = judged(FULL, line).why

    assert f"1 of 2 lines after the fault parse as JSON or logfmt; {which}" in why.replace(
        "one of 51 characters ", ""
    )
    assert why.endswith("is free text")
    assert "doe" not in why.lower()


def test_a_log_on_standard_output_is_pointed_at():
    """Where nobody has said that it is there, the remedy is to say so; what is printed for people is no log."""
    found = judged(stdout=f"done\n{json.dumps(FULL)}\n")

    assert (found.outcome, found.fix) == ("failed", 'say where the log is: logs = "stdout"')
    assert "1 of warnings and errors are on stdout" in found.why
    for printed in ("done", json.dumps({**FULL, "level": "INFO"})):
        assert "left no line" in judged(stdout=printed).why


def test_lines_of_the_log_are_not_taken_for_unread_ones():
    """Where standard output is the log, an error from before the fault is none that nobody reads."""
    early = [log(0.1, json.dumps(FULL))]
    seen = run(struck(0.5), stdout=json.dumps(FULL), logs=early)
    found = structured_logs.judge(seen, clean=clean(), workload=JOB, service="labs")

    assert "left no line" in found.why


def test_a_warning_is_enough_where_the_retry_worked():
    """WARNING counts while it is tried again and the job succeeds, not where it fails."""
    warning = {**FULL, "level": "WARNING"}

    assert judged(warning, exit_code=0).outcome == "passed"
    assert judged(warning, exit_code=1).outcome == "failed"


def test_words_for_people_are_no_log():
    """What a program prints at its end does not have to parse."""
    assert judged(FULL, "Could not load batch 17; start it again.").outcome == "passed"


def test_lines_before_the_fault_do_not_count():
    """A record from before the first receipt proves nothing."""
    seen = run(struck(0.5), logs=[log(0.1, json.dumps(FULL))])

    assert structured_logs.judge(seen, clean=clean(), workload=JOB, service="labs").outcome == "failed"


def test_unfired_faults_prove_nothing():
    """No receipt, no verdict."""
    seen = run(exchange(0.5), faults=[fault(fired=False)], logs=[log(0.6, json.dumps(FULL))])

    assert structured_logs.judge(seen, clean=clean(), workload=JOB, service="labs").outcome == "unproven"


@pytest.mark.parametrize(
    ("error", "outcome"), [(("lab.LabsDown", "requests.Timeout"), "passed"), (("OSError",), "failed")]
)
def test_a_library_speaks_by_its_exceptions(error, outcome):
    """Where exceptions may cross, they carry the facts."""
    call = CallRecord(number=1, began=0.5, ended=1.0, outcome="raised", error=error)
    seen = run(struck(0.5), calls=[call])
    found = structured_logs.judge(seen, clean=clean(), workload=JOB, service="labs", boundary="library")

    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        ({"@timestamp": 1, "log.level": "error", "message": "x"}, {"timestamp", "level", "event"}),
        (
            {"excType": "OSError", "funcName": "load", "requestId": 7},
            {"error type", "operation", "correlation id"},
        ),
        (
            {"exception": "Traceback...\nValueError: no", "url": "u", "retry": 0},
            {"error type", "resource", "attempt"},
        ),
        ({"level": "", "event": None, "context": {}}, set()),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_facts_have_many_names(record, facts):
    """Elastic's, camel case and structlog's names are known; empty values are no facts."""
    assert facts_of(record) == facts


@pytest.mark.parametrize(
    ("value", "number"), [("error", 40), ("HIGH", 40), (50, 50), ("WARN", 30), ("huh", 0)]
)
def test_levels_have_many_names(value, number):
    """Words, severities and numbers are levels."""
    assert level_of({"level": value}) == number


@pytest.mark.parametrize("text", ["hello a=b", "a=b", "[1, 2]", "{broken", "", "{}"])
def test_free_text_is_no_record(text):
    """A single pair, a pair among words, a list, a torn object are not parsed."""
    assert parse_line(text) is None
