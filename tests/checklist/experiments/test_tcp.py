"""A service whose protocol nobody knows is judged by its connections, and by whose turn it is to speak on them."""

from __future__ import annotations

import pytest

LINE = """
    import socketserver, sys

    class Line(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.wfile.write(line)

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Line).serve_forever()
"""
LOAD = """
    import os, random, socket, sys, time

    WAITS = {"doubling": lambda n: 0.2 * 2 ** n, "constant": lambda n: 0.3}
    host, _, port = os.environ["LINE"].partition(":")

    def ask():
        with socket.create_connection((host, int(port)), timeout=1) as line:
            line.sendall(b"how many\\n")
            if not line.recv(100):
                raise OSError("the line was closed")

    for n in range(4):
        try:
            ask()
            break
        except OSError as error:
            if n == 3:
                sys.exit('{"level": "ERROR", "event": "line lost"}')
            time.sleep(random.uniform(0.8, 1.2) * WAITS[os.environ["MODE"]](n))
"""
DECLARED = """
    [services.line]
    kind = "tcp"
    upstream = "{{python}} line.py {{port}}"
    env = {{ LINE = "{{host}}:{{port}}" }}
    [workloads.load]
    command = ["{{python}}", "load.py"]
    uses = ["line"]
    env = {{ MODE = "{mode}" }}
    deadline = 20
"""


@pytest.mark.parametrize(
    ("mode", "experiment", "outcome"),
    [
        ("doubling", "backoff::load::line::reset", "passed"),
        ("constant", "backoff::load::line::reset", "failed"),
        ("doubling", "external-calls::load::line::refused", "passed"),
    ],
)
def test_it_is_judged(trying, mode, experiment, outcome) -> None:
    """It had traffic, it was lost, and each second try of it is seen."""
    attempt = trying(line_py=LINE, load_py=LOAD, resilience_toml=DECLARED.format(mode=mode))
    item = experiment.partition("::")[0]
    (found,) = (each for each in attempt(experiment).evidence if each.item == item)

    assert found.outcome == outcome, found.why
