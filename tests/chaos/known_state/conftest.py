"""A team's folder with what it declares, and sandboxes in it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.chaos.configuration.model import Configuration, ServiceDeclaration
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.services.pool import ServicePool

LABS_STUB = """
    import http.server, json, os, sys

    class Labs(http.server.BaseHTTPRequestHandler):
        seen = 0

        def do_GET(self):
            Labs.seen += 1
            body = json.dumps({
                "seen": Labs.seen, "path": self.path, "host": self.headers["Host"], "cwd": os.getcwd(),
                "warehouse": os.environ.get("DATABASE_URL"),
            }).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Labs).serve_forever()
"""
ECHO_STUB = """
    import socket, sys

    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
        connection, _ = server.accept()  # the first one alone
        while data := connection.recv(4096):
            connection.sendall(data)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a team, with servers of its own."""
    home = tmp_path / "team"
    home.mkdir()
    (home / "labs_stub.py").write_text(textwrap.dedent(LABS_STUB))
    (home / "echo_stub.py").write_text(textwrap.dedent(ECHO_STUB))
    return home


@pytest.fixture
def declare(folder: Path) -> Callable[..., Configuration]:
    """Declare services by name, and settings."""

    def declare(services: dict[str, dict[str, Any]] | None = None, **settings: Any) -> Configuration:
        declared = {
            name: ServiceDeclaration(name=name, component=name, **what)
            for name, what in (services or {}).items()
        }
        return Configuration(folder=folder, scenarios=folder / "scenarios", services=declared, **settings)

    return declare


@pytest.fixture
def begin(pool: ServicePool, request: pytest.FixtureRequest) -> Iterator[Callable[..., Sandbox]]:
    """Make sandboxes that are closed after the test."""
    with ExitStack() as opened:

        def begin(configuration: Configuration | None = None, **how: Any) -> Sandbox:
            sandbox = Sandbox(pool, request.node.name, configuration, **how)
            opened.callback(sandbox.close)
            return sandbox

        yield begin
