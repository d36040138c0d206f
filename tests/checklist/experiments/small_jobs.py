"""A small job that loads rows in batches, right or wrong in one thing, and what its experiments come to."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.single_fault import SingleFault
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

SCHEMA = """
create table rows (n int); insert into rows values (-1);
create table position (done int); insert into position values (0);
"""
KEYED = SCHEMA.replace("n int", "n int primary key")
CONFIGURATION = """
    [services.warehouse]
    kind = "postgres"
    env = {{ DATABASE_URL = "{{dsn}}" }}
    init = ["schema.sql"]

    [services.labs]
    kind = "http"
    upstream = "{{python}} labs.py {{port}}"
    env = {{ LABS_URL = "{{url}}" }}

    [workloads.load]
    command = ["{{python}}", "load.py", "{mode}"]
    uses = {uses}
    start = "prepared"
    deadline = 30
    {more}
"""
LABS = """
    import http.server, sys

    class Labs(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Labs).serve_forever()
"""

KEEPING_LABS = """
    import http.server, sys

    class Labs(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Labs).serve_forever()
"""
"""The same with connections that are kept, and for POST."""


def server(mode: str, *, every: float = 0.05, deadline: int = 5) -> str:
    """Return the declaration of a server of `serve.py` in a mode, that is asked for scores and asks labs."""
    return f"""
    [services.labs]
    kind = "http"
    upstream = "{{python}} labs.py {{port}}"
    env = {{ LABS_URL = "{{url}}" }}
    [workloads.api]
    command = ["{{python}}", "serve.py", "{{port}}"]
    ready = "GET /health"
    drive = {{ request = "GET /score", every = {every} }}
    uses = ["labs"]
    env = {{ MODE = "{mode}" }}
    deadline = {deadline}
"""


class Job:
    """A job in a folder, and the laboratory in which it is tried.

    Args:
        pool: the servers.
        folder: where its files go.
        code: `load.py`, which is told its mode.
        mode: what it does wrong.
        more: the rest of its declaration.
        schema: the database at the beginning.
        uses: its services.
        files: other files, by name.
    """

    def __init__(
        self,
        pool: ServicePool,
        folder: Path,
        code: str,
        *,
        mode: str = "sound",
        more: str = "",
        schema: str = SCHEMA,
        uses: str = '["warehouse"]',
        **files: str,
    ) -> None:
        declared = CONFIGURATION.format(mode=mode, more=more, uses=uses)
        texts = {"load": code, "labs": LABS, **files}
        (folder / "resilience.toml").write_text(textwrap.dedent(declared))
        (folder / "schema.sql").write_text(schema)
        for stem, text in texts.items():
            (folder / f"{stem}.py").write_text(textwrap.dedent(text))
        self._run = RunFolder.make()
        self.laboratory = Laboratory(read_configuration(folder), pool, self._run, seed=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.laboratory.close()
        self._run.end()

    def probe(self, probe: str, **more: Any) -> SingleFault:
        """Return a single fault by its probe's id."""
        points = self.laboratory.clean("load").recording.points
        found = {each.id: each for each in all_probes(points)}
        return SingleFault(self.laboratory, "load", found[probe], **({"strict": True} | more))

    def experiments(self, make: Callable[[Laboratory], Any]) -> dict[str, Experiment]:
        """Return experiments by what follows their item and workload in their ids."""
        return {each.id.split("::", 2)[-1]: each for each in make(self.laboratory)}


def said(result: ExperimentResult) -> tuple[str, set[tuple[str, str]]]:
    """Return what a result says, and its evidence's items and outcomes."""
    return result.outcome, {(each.item, each.outcome) for each in result.evidence}
