"""A server whose traffic never brings what a fault waits for is let go: no kind of fault keeps it for ever."""

from __future__ import annotations

import textwrap

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.services.run_folder import RunFolder

API = """
    import http.server, os, sys, urllib.request

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with urllib.request.urlopen(os.environ["LABS_URL"] + "/score") as reply:
                body = reply.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""
DECLARED = """
    [services.labs]
    kind = "http"
    upstream = "{python} -m http.server {port} --bind 127.0.0.1"
    env = { LABS_URL = "{url}" }

    [workloads.api]
    command = ["{python}", "serve.py", "{port}"]
    uses = ["labs"]
    deadline = 1
    ready = "GET /patient"
    drive = { request = "GET /patient", every = 0.2 }
"""


@pytest.mark.parametrize(
    ("on", "kind"), [("labs", "cut"), ("labs", "hang"), ("labs", "down"), ("api", "kill"), ("api", "pause")]
)
def test_a_fault_that_waits_in_vain_ends_with_the_deadline(pool, tmp_path, on, kind) -> None:
    """The run ends, and its record says that the fault was never there."""
    (tmp_path / "score").write_text("7")
    (tmp_path / "serve.py").write_text(textwrap.dedent(API))
    (tmp_path / "resilience.toml").write_text(textwrap.dedent(DECLARED))
    run = RunFolder.make()
    laboratory = Laboratory(read_configuration(tmp_path), pool, run, seed=1)
    order = FaultOrder(on=on, when=When(request="GET /never"), kind=kind)
    try:
        with laboratory.trial(laboratory.plan("api", [order], recovers_within=2.0), "never") as trial:
            fault = trial.record.faults[0]
    finally:
        laboratory.close()
        run.end()

    assert (fault.receipts, fault.injected_at, fault.healed_at) == ((), None, None)
