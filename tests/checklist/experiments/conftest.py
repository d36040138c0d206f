"""Small teams with workloads that do one thing wrong each, and the experiments that are made of them."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.experiments.all import experiments_of_items
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

_spec = importlib.util.spec_from_file_location("small_jobs", Path(__file__).with_name("small_jobs.py"))
assert _spec is not None  # this folder is no package
assert _spec.loader is not None
sys.modules["small_jobs"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["small_jobs"])

Try = Callable[[str], ExperimentResult]

LABS = """
    import http.server, json, sys

    class Labs(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"score": 7, "of": "a patient whose other values fill this answer " * 6}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Labs).serve_forever()
"""
"""A service."""

TELLING = """
    import datetime, http.client, json, os, sys, urllib.request

    MODE = os.environ.get("MODE", "sound")
    TROUBLE = (OSError, ValueError, http.client.HTTPException)

    class LabsDown(Exception):
        pass

    def ask(timeout=0.4):
        with urllib.request.urlopen(os.environ["LABS_URL"] + "/score", timeout=timeout) as reply:
            return json.load(reply)

    def told(error, more=""):
        return (f"could not fetch the score from service labs because of {type(error).__name__}: {error}; "
                f"check labs and try again, request r-17{more}")

    def log(level, event, error):
        print(json.dumps({
            "timestamp": datetime.datetime.now(datetime.UTC).isoformat(), "level": level, "event": event,
            "error_type": type(error).__name__, "operation": "fetch score", "service": "labs", "attempt": 1,
            "request_id": "r-17",
        }), file=sys.stderr, flush=True)
"""
"""What the workloads on that service share."""


@pytest.fixture
def laboratory_of(pool: ServicePool, tmp_path: Path) -> Iterator[Callable[..., Laboratory]]:
    """Write a team's files, and return its laboratory."""
    run = RunFolder.make()
    made: list[Laboratory] = []

    def laboratory_of(**files: str) -> Laboratory:
        for name, text in {"labs_py": LABS, "telling_py": TELLING, **files}.items():
            stem, _, ending = name.rpartition("_")
            (tmp_path / f"{stem}.{ending}").write_text(textwrap.dedent(text))
        made.append(Laboratory(read_configuration(tmp_path), pool, run, seed=1))
        return made[-1]

    yield laboratory_of
    for laboratory in made:
        laboratory.close()
    run.end()


@pytest.fixture
def trying(laboratory_of: Callable[..., Laboratory]) -> Callable[..., Try]:
    """Write a team's files, and return what runs one of its experiments by its id."""

    def trying(**files: str) -> Try:
        laboratory = laboratory_of(**files)
        experiments: dict[str, Callable[[], ExperimentResult]] = {}

        def attempt(name: str) -> ExperimentResult:
            if not experiments:
                experiments.update({each.id: each.run for _, each in experiments_of_items(laboratory)})
            return experiments[name]()

        return attempt

    return trying


@pytest.fixture
def told() -> Callable[[ExperimentResult], dict[str, str]]:
    """Return a function that says what a result says of each item."""
    return lambda result: {each.item: each.outcome for each in result.evidence}
