"""Item 1 of servers whose database fails for a while: sound ones answer again, others have to be started again."""

from __future__ import annotations

import pytest

SERVE = """
    import http.server, json, os, sys, threading, psycopg2

    MODE = os.environ["MODE"]
    FREE = threading.Semaphore(4)
    ONE = threading.Lock()
    kept = None

    def opened():
        return psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=2)

    def insert(connection):
        connection.cursor().execute("insert into rows values (1)")
        connection.commit()

    def pooled():
        if not FREE.acquire(timeout=1):
            raise TimeoutError("no connection is free")
        connection = opened()
        try:
            insert(connection)
        except psycopg2.Error:
            connection.close()
            if MODE != "leaking":
                FREE.release()
            raise
        connection.close()
        FREE.release()

    def on_one():
        global kept
        with ONE:
            kept = opened() if kept is None else kept
            insert(kept)

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                if self.path != "/health":
                    (on_one if MODE == "one" else pooled)()
            except (psycopg2.Error, TimeoutError) as error:
                print(json.dumps({"level": "ERROR", "event": f"no row: {type(error).__name__}"}), file=sys.stderr)
                self.send_response(503)
            else:
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""
TOML = """
    time_scale = 20
    [services.warehouse]
    kind = "postgres"
    env = {{ DATABASE_URL = "{{dsn}}" }}
    init = ["schema.sql"]
    [workloads.api]
    command = ["{{python}}", "serve.py", "{{port}}"]
    ready = "GET /health"
    drive = {{ request = "GET /row", every = 0.1 }}
    uses = ["warehouse"]
    env = {{ MODE = "{mode}" }}
    deadline = 600
"""


@pytest.mark.parametrize(
    ("mode", "fault", "outcome"),
    [
        ("pooled", "disk-full", "passed"),
        ("leaking", "disk-full", "failed"),
        ("one", "disk-full", "failed"),
        ("pooled", "lost", "passed"),
        ("one", "lost", "failed"),
    ],
)
def test_a_server_has_to_answer_again(trying, mode, fault, outcome) -> None:
    """A place in a pool that is never given back, a transaction that nobody rolls back, a connection that is gone."""
    attempt = trying(
        serve_py=SERVE, resilience_toml=TOML.format(mode=mode), schema_sql="create table rows (n int);"
    )
    found = attempt(f"external-calls::api::warehouse::{fault}").evidence[0]

    assert (found.outcome, "it has to be started again" in found.why) == (outcome, outcome == "failed"), (
        found.why
    )
