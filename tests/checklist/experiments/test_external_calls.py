"""Each mistake with a failing service is found in a run, and the twin without it passes."""

from __future__ import annotations

import pytest
from small_jobs import Job, server

from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.experiments.external_calls import failing_services
from pytest_resilience.checklist.experiments.single_fault import SingleFault

SCORE = """
    import sys
    from telling import MODE, TROUBLE, LabsDown, ask, log, told

    def score():
        try:
            return ask(timeout=None if MODE == "patient" else 0.4)
        except TROUBLE as error:
            if MODE == "raw":
                raise
            if MODE == "swallow":
                return None
            if MODE == "curt":
                print("something went wrong", file=sys.stderr)
                raise LabsDown("sorry") from error
            more = error.read().decode() if MODE == "chatty" and hasattr(error, "read") else ""
            log("ERROR", told(error, more), error)
            raise LabsDown(told(error, more)) from error

    def fire_and_forget():
        import os, urllib.request
        with urllib.request.urlopen(os.environ["LABS_URL"] + "/score", timeout=0.4) as reply:
            assert reply.status == 200
"""
MODES = ("sound", "raw", "swallow", "curt", "chatty", "patient")
FUNCTIONS = """
    [services.labs]
    kind = "http"
    upstream = "{python} labs.py {port}"
    env = { LABS_URL = "{url}" }
"""
FUNCTIONS += "".join(
    f"""
    [workloads.{mode}]
    function = "score:score"
    uses = ["labs"]
    env = {{ MODE = "{mode}" }}
    deadline = 2
    calls = 2
"""
    for mode in MODES
)


def only(mode: str) -> str:
    """Return the configuration with one workload."""
    head, *workloads = FUNCTIONS.split("[workloads.")
    return head + next(f"[workloads.{each}" for each in workloads if each.startswith(f"{mode}]"))


def test_sound_code_passes_under_each_fault(trying, told) -> None:
    """A domain error with its cause, a record, a message: whatever the service does."""
    attempt = trying(score_py=SCORE, resilience_toml=only("sound"))
    names = ("refused", "lost", "reset", "hang", "status-500", "status-429", "html", "cut-reply", "bad-chunk")
    results = {name: told(attempt(f"external-calls::sound::labs::{name}")) for name in names}

    assert results == {
        name: {"external-calls": "passed", "structured-logs": "passed", "messages": "passed"}
        for name in names
    }


@pytest.mark.parametrize(
    ("mode", "fault", "item", "words"),
    [
        ("raw", "refused", "external-calls", "connections refused: call 1 raised urllib.error.URLError"),
        ("swallow", "status-500", "external-calls", "status 500: success was reported although"),
        ("patient", "hang", "external-calls", "no answer to the request: "),
        ("curt", "reset", "structured-logs", "connection reset after the request: "),
        ("curt", "reset", "messages", "the best message tells"),
        ("chatty", "status-500", "messages", "planted patient's number in the service's reply stands in"),
    ],
)
def test_a_mistake_fails_its_item(trying, mode, fault, item, words) -> None:
    """With the words that say what was seen, what to do, and how it is tried again."""
    attempt = trying(score_py=SCORE, resilience_toml=only(mode))
    name = f"external-calls::{mode}::labs::{fault}"
    result = attempt(name)
    found = next(each for each in result.evidence if each.item == item)

    assert result.outcome == "failed"
    assert found.outcome == "failed"
    assert words in found.why
    assert found.fix
    assert found.subject == f"workload {mode} / service labs"
    assert found.replay == f'pytest --chaos --checklist "resilience::{name}"'


PERSISTENT = """
    from telling import TROUBLE, LabsDown, ask, log, told

    def score():
        for number in range(3):
            try:
                return ask(timeout=1.5)
            except TROUBLE as error:
                log("ERROR", told(error), error)
                last = error
        raise LabsDown(told(last)) from last
"""


@pytest.mark.parametrize(
    ("deadline", "outcome", "scale"), [(2, "passed", 1.0), (0.7, "failed", 1.0), (100, "passed", 20.0)]
)
def test_time_outs_of_sockets_are_not_held_to_time_that_ran_faster(trying, deadline, outcome, scale) -> None:
    """1.5 s are in time by a deadline of 2 s, and 30 s where time runs twenty times faster; by 0.7 s they are not."""
    settings = only("sound").replace("deadline = 2", f"deadline = {deadline}")
    attempt = trying(score_py=PERSISTENT, resilience_toml=f"time_scale = 20\n{settings}")
    result = attempt("external-calls::sound::labs::hang")
    found = next(each for each in result.evidence if each.item == "external-calls")

    assert (found.outcome, result.record.time_scale) == (outcome, scale)


def test_a_hang_at_one_request_is_not_held_to_time_that_ran_faster(laboratory_of, monkeypatch) -> None:
    """A time-out of 3 s in real time; a start has less than that where time runs faster."""
    monkeypatch.setattr("pytest_resilience.chaos.run.life.WORK_SECONDS", 2.0)
    settings = (TWO_REQUESTS % "sound").replace("deadline = 5", "deadline = 15")
    code = LATER.replace("timeout=0.4", "timeout=3")
    laboratory = laboratory_of(later_py=code, resilience_toml=f"time_scale = 20\n{settings}")
    probes = {each.id: each for each in all_probes(laboratory.clean("fetch").recording.points)}
    result = SingleFault(laboratory, "fetch", probes["GET-orders-1-request-hang"], strict=True).run()

    assert (result.outcome, result.why, result.record.time_scale) == ("passed", "", 1.0)


LATER = """
    import os, sys, urllib.error, urllib.request
    from pathlib import Path
    from telling import MODE, TROUBLE, log, told

    def ask(page):
        with urllib.request.urlopen(os.environ["LABS_URL"] + page, timeout=0.4) as reply:
            return reply.read()

    try:
        ask("/orders")
    except TROUBLE as error:
        log("ERROR", told(error), error)
        sys.exit(1)
    try:
        ask("/results")
    except TROUBLE as error:
        if MODE != "default":
            log("ERROR", told(error), error)
            sys.exit(1)
"""
TWO_REQUESTS = """
    [services.labs]
    kind = "http"
    upstream = "{python} labs.py {port}"
    env = { LABS_URL = "{url}" }
    [workloads.fetch]
    command = ["{python}", "later.py"]
    uses = ["labs"]
    env = { MODE = "%s" }
    deadline = 5
"""


@pytest.mark.parametrize(("mode", "outcome"), [("sound", "passed"), ("default", "failed")])
def test_a_later_request_is_broken_alone(trying, told, mode, outcome) -> None:
    """What breaks all of them ends the work at the first, and the one after it was never seen to fail for good."""
    attempt = trying(later_py=LATER, resilience_toml=TWO_REQUESTS % mode)

    assert told(attempt("external-calls::fetch::labs::status-500"))["external-calls"] == "passed"
    assert told(attempt("external-calls::fetch::labs::status-500-GET-results-1"))["external-calls"] == outcome


def test_who_never_reads_the_reply_may_take_it_for_success(trying, told) -> None:
    """HTML instead of JSON is no swallowed error where nobody wanted JSON."""
    toml = only("sound").replace("score:score", "score:fire_and_forget")
    result = trying(score_py=SCORE, resilience_toml=toml)("external-calls::sound::labs::html")

    assert told(result) == {
        "external-calls": "not-applicable",
        "structured-logs": "not-applicable",
        "messages": "not-applicable",
    }


def test_no_traffic_is_unproven_and_no_service_does_not_apply(trying, told) -> None:
    """A misspelled variable is not a pass, and a workload without services has nothing to break."""
    toml = only("sound").replace("LABS_URL", "LAB_URL") + '\n[workloads.alone]\ncommand = ["true"]\n'
    quiet = SCORE.replace("return ask(timeout", "return ask and dict(timeout")
    attempt = trying(score_py=quiet, resilience_toml=toml)
    words = {"external-calls", "structured-logs", "messages"}

    assert told(attempt("external-calls::sound::labs::no-traffic")) == dict.fromkeys(words, "unproven")
    assert told(attempt("external-calls::alone::no-services")) == dict.fromkeys(words, "not-applicable")


LOAD = """
    import os, sys
    import psycopg2

    MODE = os.environ["MODE"]

    def shown(error):
        return str(error) if MODE == "detail" else f"SQLSTATE {error.pgcode}"

    try:
        connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=2)
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into patients values (%s)", ("1",))
    except psycopg2.Error as error:
        where = os.environ["DATABASE_URL"] if MODE == "dsn" else "database warehouse"
        sys.exit(f"could not load row 1 into {where} because of {shown(error)}; check it and try again")
"""
JOBS = """
    [services.warehouse]
    kind = "postgres"
    env = { DATABASE_URL = "{dsn}" }
    init = ["schema.sql"]
    [workloads.load]
    command = ["{python}", "load.py"]
    uses = ["warehouse"]
    env = { MODE = "%s" }
    deadline = 5
"""


@pytest.mark.parametrize(
    ("mode", "fault", "why"),
    [
        ("sound", "duplicate", ""),
        ("detail", "duplicate", "planted patient's number in a row (PostgreSQL's DETAIL) stands in stderr"),
        ("dsn", "shutdown", "planted password of warehouse stands in stderr"),
    ],
)
def test_what_a_message_must_not_say_is_found(trying, mode, fault, why) -> None:
    """Row values in PostgreSQL's DETAIL, and the password of the run in an address."""
    attempt = trying(
        load_py=LOAD, schema_sql="create table patients (ssn text);", resilience_toml=JOBS % mode
    )
    result = attempt(f"external-calls::load::warehouse::{fault}")
    found = next(each for each in result.evidence if each.item == "messages")

    assert found.outcome == ("failed" if why else "passed")
    assert why in found.why


SERVE = """
    import http.server, json, sys, time
    from telling import MODE, TROUBLE, ask, log, told

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                self.answer(200, {} if self.path == "/health" else ask())
            except TROUBLE as error:
                if MODE == "bare":
                    self.answer(500, None)
                elif MODE == "again":
                    log("WARNING", told(error), error)
                    time.sleep(0.6)
                    self.answer(200, ask(timeout=4))
                else:
                    log("ERROR", told(error), error)
                    self.answer(503, {"error": told(error)})

        def answer(self, status, body):
            content = b"<h1>Internal Server Error</h1>" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""


@pytest.mark.parametrize(("mode", "outcome"), [("sound", "passed"), ("bare", "failed")])
def test_a_server_answers_for_itself(trying, told, mode, outcome) -> None:
    """With a status and a message of its own; that it is ended at the end is no crash."""
    result = trying(serve_py=SERVE, resilience_toml=server(mode))("external-calls::api::labs::lost")

    assert told(result)["external-calls"] == outcome
    assert all(call.ended is not None for call in result.record.calls[:3])


def test_a_request_that_met_the_fault_is_waited_for(trying, told) -> None:
    """Others were answered long before; who is cut off in its retry has not failed."""
    result = trying(serve_py=SERVE, resilience_toml=server("again"))("external-calls::api::labs::status-429")

    assert result.record.calls[0].succeeded
    assert told(result)["structured-logs"] == "passed", result.why


@pytest.mark.parametrize(
    ("on", "kind"), [("labs", "cut"), ("labs", "hang"), ("labs", "down"), ("api", "kill"), ("api", "pause")]
)
def test_a_fault_that_waits_in_vain_ends_with_the_servers_deadline(laboratory_of, on, kind) -> None:
    """The run ends, and its record says that the fault was never there."""
    laboratory = laboratory_of(serve_py=SERVE, resilience_toml=server("sound", deadline=1))
    order = FaultOrder(on=on, when=When(request="GET /never"), kind=kind)
    with laboratory.trial(laboratory.plan("api", [order], recovers_within=2.0), "never") as trial:
        fault = trial.record.faults[0]

    assert (fault.receipts, fault.injected_at, fault.healed_at) == ((), None, None)


LEDGER = """
    import os, sys, psycopg2

    ROW = ("Wilhelmine Kowalski", 7)
    try:
        with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute("insert into admissions values (%s, %s)", ROW)
    except psycopg2.Error as error:
        told = ROW if sys.argv[1] == "named" else ROW[1:]
        print(f"admission {told} was not stored on warehouse, SQLSTATE {error.pgcode}, run it again", file=sys.stderr)
        sys.exit(1)
"""


@pytest.mark.parametrize(("mode", "leaks"), [("named", True), ("numbered", False)])
def test_who_a_patient_is_stands_in_no_message(pool, tmp_path, mode, leaks) -> None:
    """The rows that the undisturbed run stored tell their names; they are not shown in turn."""
    schema = "create table admissions (patient_name text, bed int);"
    with Job(pool, tmp_path, LEDGER, mode=mode, schema=schema) as job:
        result = job.experiments(failing_services)["warehouse::shutdown"].run()

    found = next(each for each in result.evidence if each.item == "messages")
    assert ("value 1 of public.admissions.patient_name on warehouse stands in" in found.why) == leaks
    assert (found.outcome == "failed") >= leaks
    assert "Wilhelmine" not in found.why


PAGES = """
    import os, sys, urllib.request, psycopg2

    careful = sys.argv[1] == "careful"
    try:
        with urllib.request.urlopen(os.environ["LABS_URL"] + "/rows", timeout=2) as reply:
            page = reply.read().decode()
    except OSError as error:
        sys.exit(f"GET /rows failed on labs ({error}), run it again")
    rows = {"ok": [1, 2, 3]}.get(page, [])
    if careful and page != "ok":
        sys.exit("GET /rows on labs is no list of rows, run it again")
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        for row in rows:
            cursor.execute("insert into rows values (%s)", (row,))
"""


@pytest.mark.parametrize(("mode", "outcome"), [("trusting", "failed"), ("careful", "passed")])
def test_a_page_that_is_no_answer_is_not_the_end_of_all_pages(pool, tmp_path, mode, outcome) -> None:
    """Success may be reported of what nobody reads; not where rows are missing for it."""
    with Job(pool, tmp_path, PAGES, mode=mode, uses='["warehouse", "labs"]') as job:
        result = job.experiments(failing_services)["labs::html"].run()

    found = next(each for each in result.evidence if each.item == "external-calls")
    assert found.outcome == outcome
    assert ("nothing was logged, but public.rows: 1 row, expected 4, 3 rows lost" in found.why) == (
        outcome == "failed"
    )
