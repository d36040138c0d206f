"""A server that answers first and tells another service later loses what a kill meets, if it marks it too early."""

from __future__ import annotations

import pytest
from small_jobs import KEEPING_LABS

from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.checklist.experiments.single_fault import SingleFault

API = """
    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/health":
                order()
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    threading.Thread(target=relay, daemon=True).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""
SERVE = """
    import http.server, os, sys, threading, time, urllib.request
    import psycopg2

    FIRST = os.environ["MODE"] == "marks first"

    def ask(statement, *values):
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows

    def tell(number):
        url, key = os.environ["LABS_URL"] + "/orders", {"Idempotency-Key": f"order-{number}"}
        urllib.request.urlopen(urllib.request.Request(url, b"{}", key)).read()

    def relay():
        while True:
            for (number,) in ask("select n from orders where not sent order by n"):
                for step in (mark, tell) if FIRST else (tell, mark):
                    step(number)
            time.sleep(1)

    def mark(number):
        ask("update orders set sent = true where n = %s", number)

    def order():
        ask("insert into orders default values")
"""
DECLARED = """
    time_scale = 5
    [services.warehouse]
    kind = "postgres"
    env = {{ DATABASE_URL = "{{dsn}}" }}
    init = ["schema.sql"]
    [services.labs]
    kind = "http"
    upstream = "{{python}} labs.py {{port}}"
    env = {{ LABS_URL = "{{url}}" }}
    [workloads.api]
    command = ["{{python}}", "serve.py", "{{port}}"]
    ready = "GET /health"
    drive = {{ request = "GET /order", every = 0.1 }}
    uses = ["warehouse", "labs"]
    env = {{ MODE = "{mode}" }}
    deadline = 30
    resume = "rerun"
"""
SCHEMA = "create table orders (n serial primary key, sent boolean default false);"


@pytest.mark.parametrize(("mode", "outcome"), [("marks last", "passed"), ("marks first", "failed")])
def test_what_was_answered_for_is_sent_although_the_server_is_killed(laboratory_of, mode, outcome) -> None:
    """It is waited for, since a relay goes on where it was, and nothing else tells that it never comes."""
    files = {"labs_py": KEEPING_LABS, "serve_py": SERVE + API, "schema_sql": SCHEMA}
    laboratory = laboratory_of(resilience_toml=DECLARED.format(mode=mode), **files)
    probes = {probe.id: probe for probe in all_probes(laboratory.clean("api").recording.points)}
    result = SingleFault(laboratory, "api", probes["POST-orders-2-request-kill"], strict=True).run()

    assert result.outcome == outcome, result.why
    assert ("labs never got 1 of the " in result.why) == (outcome == "failed")
    assert any("a lease" in each.fix for each in result.evidence) == (outcome == "failed")
    assert result.found is None


RELAY = """
    import http.server, os, sys, threading, time, urllib.request
    import psycopg2

    MOST = 4

    def connected():
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        connection.autocommit = True
        return connection.cursor()

    def relay():
        cursor = connected()
        while True:
            cursor.execute("select n, tries from orders where not sent and tries < %s and due <= now()", [MOST])
            for number, tries in cursor.fetchall():
                url, key = os.environ["LABS_URL"] + "/orders", {"Idempotency-Key": f"order-{number}"}
                try:
                    urllib.request.urlopen(urllib.request.Request(url, b"{}", key), timeout=5).read()
                    cursor.execute("update orders set sent = true where n = %s", [number])
                except OSError:
                    pause = 0.2 * 2 ** tries
                    cursor.execute(
                        "update orders set tries = tries + 1, due = now() + make_interval(secs => %s) where n = %s",
                        [pause, number],
                    )
            time.sleep(0.05)

    def order():
        connected().execute("insert into orders default values")
"""
DUE = """
    create table orders (n serial primary key, sent boolean default false, tries int default 0,
                         due timestamptz default now());
"""


def test_what_a_database_keeps_the_time_of_is_waited_for_in_its_time(trying) -> None:
    """An outbox that sets a message aside after some tries ends: no clock of the process says when the next is due."""
    declared = DECLARED.format(mode="").replace("time_scale = 5", "").replace("deadline = 30", "deadline = 4")
    attempt = trying(resilience_toml=declared, labs_py=KEEPING_LABS, serve_py=RELAY + API, schema_sql=DUE)
    result = attempt("backoff::api::labs::reset")

    assert result.outcome == "passed", result.why
