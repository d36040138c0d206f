"""Item 1 from records: what counts as handled, and what does not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from seen_runs import calls, clean, exchange, fault, log, run, struck

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import CallRecord
from pytest_resilience.checklist.judges import external_calls

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",), deadline=10.0)
FUNCTION = WorkloadDeclaration(name="score", shape="function", uses=("labs",), deadline=10.0)
SERVER = WorkloadDeclaration(name="api", shape="server", uses=("labs",), deadline=10.0)
RAW = (
    'Traceback (most recent call last):\n  File "job.py", line 3, in <module>\n    main()\n'
    "requests.exceptions.ConnectionError: ('Connection aborted.', ConnectionResetError(104))\n"
)
STATEMENT = (
    'Traceback (most recent call last):\n  File "job.py", line 3, in <module>\n    main()\n'
    "sqlalchemy.exc.IntegrityError: (psycopg2.errors.UniqueViolation) duplicate key\n"
    "DETAIL:  Key (ssn)=(1) already exists.\n\n"
    "[SQL: INSERT INTO admissions\nSELECT * FROM incoming\nON CONFLICT (id) DO NOTHING]\n"
    "(Background on this error at: https://sqlalche.me/e/20/gkpj)\n"
)
DOMAIN = RAW + (
    "\nThe above exception was the direct cause of the following exception:\n\n"
    'Traceback (most recent call last):\n  File "job.py", line 5, in <module>\n    main()\n'
    "jobs.errors.LabsUnavailable: labs did not answer\n"
)


def verdict(seen, workload=JOB, **more):
    """Judge a run of this workload."""
    return external_calls.judge(
        seen, clean=more.pop("clean", clean()), workload=workload, service="labs", **more
    )


def call(outcome, *error, ended=1.0, message=""):
    """Return one call."""
    return CallRecord(number=1, began=0.5, ended=ended, outcome=outcome, error=error, message=message)


@pytest.mark.parametrize(
    ("seen", "workload"),
    [
        (run(struck(0.5), stderr="labs did not answer"), JOB),
        (run(struck(0.5), stderr=DOMAIN), JOB),
        (run(struck(0.5), exit_code=0, logs=[log(0.6, '{"level":"warning","event":"fallback"}')]), JOB),
        (run([*struck(0.5), *exchange(1.5, 2)], exit_code=0), JOB),
        (
            run(
                struck(0.5),
                exit_code=0,
                calls=[call("raised", "jobs.LabsDown", "requests.exceptions.Timeout")],
            ),
            FUNCTION,
        ),
        (
            run(
                struck(0.5),
                exit_code=0,
                told_to_end=True,
                calls=[call("503", message='{"error": "labs is down"}')],
            ),
            SERVER,
        ),
        (
            run(
                struck(0.5),
                exit_code=None,
                ended=None,
                calls=[call("500", message='{"detail": "labs is down"}')],
            ),
            SERVER,
        ),
    ],
    ids=["exit", "domain", "fallback", "recovered", "function", "status", "own-500"],
)
def test_handled_failures_pass(seen, workload):
    """A clean exit, a domain error, a logged fallback, a retry that worked, a status with words."""
    assert (verdict(seen, workload).outcome, verdict(seen, workload).why) == ("passed", "")


@pytest.mark.parametrize(
    ("seen", "workload", "why"),
    [
        (run(struck(0.5), stderr=RAW), JOB, "requests.exceptions.ConnectionError ended the program"),
        (run(struck(0.5), stderr=STATEMENT), JOB, "sqlalchemy.exc.IntegrityError ended the program"),
        (run(struck(0.5), exit_code=0), JOB, "success was reported"),
        (
            run(struck(0.5), exit_code=None, ended=None, blocked=True, duration=25.0),
            JOB,
            "still running after 25 s",
        ),
        (run(struck(0.5), exit_code=139), JOB, "died of signal 11"),
        (run(struck(0.5), exit_code=0, stderr="Exception in thread T:\n" + RAW), JOB, "ended a thread"),
        (
            run(struck(0.5), calls=[call("raised", "requests.exceptions.Timeout")]),
            FUNCTION,
            "raised requests",
        ),
        (run(struck(0.5), calls=[call("raised", "json.decoder.JSONDecodeError")]), FUNCTION, "raised json"),
        (run(struck(0.5), calls=[call("raised", "builtins.KeyError")]), FUNCTION, "raised builtins.KeyError"),
        (run(struck(0.5), calls=[call("ok")]), FUNCTION, "success was reported"),
        (run(struck(0.5), calls=[call("ok", ended=None)]), FUNCTION, "still waiting"),
        (
            run(
                struck(0.5), exit_code=None, ended=None, calls=[call("500", message="Internal Server Error")]
            ),
            SERVER,
            "framework's own page",
        ),
        (
            run(struck(0.5), exit_code=3, calls=[call("503", message="x")]),
            SERVER,
            "ended by itself with status 3",
        ),
        (
            run(struck(0.5), exit_code=0, calls=[call("503", message="x")]),
            SERVER,
            "ended by itself with status 0",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unhandled_failures_fail(seen, workload, why):
    """Raw exceptions, silent swallows, hangs and crashes fail, each with a reason and a remedy."""
    found = verdict(seen, workload)

    assert (found.outcome, why in found.why, bool(found.fix)) == ("failed", True, True)


def test_a_trace_before_we_ended_it_has_ended_nothing():
    """The last line of a log is one too, where a server is ended that serves on."""
    seen = run(struck(0.5), exit_code=143, stderr=RAW, calls=[call("503", message="labs is down")])
    ended = replace(seen, processes=tuple(replace(each, told_to_end=True) for each in seen.processes))

    assert (verdict(seen, SERVER).outcome, verdict(ended, SERVER).outcome) == ("failed", "passed")


def test_a_fallback_in_a_log_that_nobody_reads_is_pointed_at():
    """A warning that stands on standard output alone fails, with the remedy that fits."""
    found = verdict(run(struck(0.5), exit_code=0, stdout='{"level": "WARNING", "message": "no values"}'), JOB)

    assert (found.outcome, found.fix) == ("failed", 'say where the log is: logs = "stdout"')


def test_a_library_may_raise_through():
    """With `boundary = "library"` exceptions of libraries may cross."""
    seen = run(struck(0.5), calls=[call("raised", "requests.exceptions.Timeout")])

    assert verdict(seen, FUNCTION, boundary="library").outcome == "passed"


def test_a_framework_page_is_handled_where_it_was_logged():
    """A bare 500 with an error in the log is handled."""
    page = call("500", message="Internal Server Error")
    seen = run(struck(0.5), exit_code=None, ended=None, calls=[page], logs=[log(0.6, "ERROR: labs is down")])

    assert verdict(seen, SERVER).outcome == "passed"


@pytest.mark.parametrize(
    ("seen", "more", "why"),
    [
        (run(struck(0.5), faults=[fault(fired=False)]), {}, "never fired"),
        (run(struck(0.5), faults=[]), {}, "no fault was ordered"),
        (run(struck(0.5)), {"clean": clean(exit_code=2)}, "undisturbed run"),
        (run(struck(0.5)), {"clean": clean([], bypasses=("10.0.0.1:80",))}, "no traffic"),
        (run(struck(0.5), bypasses=("127.0.0.1:5432",)), {}, "went past the proxy"),
    ],
    ids=["unfired", "none", "clean", "no-traffic", "bypass"],
)
def test_nothing_passes_vacuously(seen, more, why):
    """Without a fired fault, traffic and a clean run that works nothing is proven."""
    found = verdict(seen, **more)

    assert (found.outcome, why in found.why, bool(found.fix)) == ("unproven", True, True)


def test_a_workload_without_calls_is_not_asked():
    """Where the undisturbed run makes no call the item does not apply."""
    assert verdict(run([]), clean=clean([])).outcome == "not-applicable"


def test_calls_that_succeed_before_the_fault_are_no_swallow():
    """Only what ends after the first receipt counts as reported success."""
    raised = CallRecord(number=2, began=0.5, ended=0.6, outcome="raised", error=("jobs.LabsDown", "OSError"))
    seen = run([*exchange(0.1), *struck(0.5, connection=2)], calls=(*calls("ok"), raised))

    assert verdict(seen, FUNCTION).outcome == "passed"


@pytest.mark.parametrize(
    ("seen", "outcome", "fix"),
    [
        ({}, "failed", "take for an answer what is one"),
        ({"stdout": '{"level": "WARNING", "message": "no list"}'}, "failed", "say where the log is"),
        ({"logs": [log(1.6, '{"level": "warning", "event": "no list"}')]}, "passed", ""),
        ({"exit_code": 1}, "passed", ""),
        ({"states": {"warehouse": "all rows"}}, "passed", ""),
    ],
)
def test_a_job_that_ends_well_and_otherwise_has_to_say_so(seen, outcome, fix):
    """What it took for an answer was none, and its rows show it."""
    messages = [*struck(0.5), *exchange(1.5, 2)]
    seen = run(messages, **({"exit_code": 0, "states": {"warehouse": "half of the rows"}} | seen))
    undisturbed = clean(states={"warehouse": "all rows"})
    found = verdict(seen, clean=undisturbed)

    assert (found.outcome, found.fix[: len(fix)]) == (outcome, fix)
    assert verdict(seen, FUNCTION, clean=undisturbed).outcome == "passed"


@pytest.mark.parametrize(
    ("exit_code", "level", "warned"), [(0, "error", True), (0, "warning", False), (1, "error", False)]
)
def test_an_error_that_is_logged_and_reported_as_success_is_a_warning(exit_code, level, warned):
    """Nothing starts a job again that ended with 0, and its rows stay as they are; a fallback may be meant so."""
    seen = run(
        struck(0.5),
        exit_code=exit_code,
        states={"warehouse": "half of the rows"},
        logs=[log(0.6, json.dumps({"level": level, "event": "no flag"}))],
    )
    found = verdict(seen, clean=clean(states={"warehouse": "all rows"}))

    assert found.outcome == "passed"
    assert any("nothing starts it again" in warning for warning in found.warnings) is warned


@pytest.mark.parametrize(
    ("outcomes", "ended", "outcome"),
    [
        (("503", "503", "503"), 90.0, "failed"),
        (("503", "503", "200"), 90.0, "passed"),
        (("503", "503", "503"), 40.0, "passed"),
        (("503",), 90.0, "passed"),
    ],
    ids=["never", "back", "soon", "unasked"],
)
def test_a_server_answers_again_when_all_is_whole(outcomes, ended, outcome):
    """Within the time that a breaker may take to let a request through; of less nothing is said."""
    seen = run(
        struck(0.5),
        exit_code=0,
        told_to_end=True,
        faults=[fault(healed_at=10.0)],
        calls=calls(*outcomes, began=11.0),
        ended=ended,
        logs=[log(0.6, '{"level": "ERROR", "event": "no score"}')],
    )
    found = verdict(seen, SERVER, clean=clean(calls=calls("200")))

    assert (found.outcome, "it has to be started again" in found.why) == (outcome, outcome == "failed")
