"""The platform's commands end with a status that says how it went, and log one JSON object a line."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from icu_platform.data import write_icu_stays

SCENARIOS = Path(__file__).parents[2] / "scenarios"
GUARD = 120.0


@pytest.fixture
def environment(tmp_path):
    """The environment of the platform's processes."""
    return os.environ | {
        "PYTHONPATH": str(SCENARIOS),
        "RESILIENCE_OUTBOX": str(tmp_path / "outbox.db"),
        "XDG_STATE_HOME": str(tmp_path),
    }


def run(module, *arguments, env):
    """Run a command of the platform to its end."""
    return subprocess.run(
        [sys.executable, "-m", f"icu_platform.{module}", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )


def records(text):
    """Parse a process's log; a line that is no JSON object is an error."""
    parsed = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(record, dict) for record in parsed)
    return parsed


def test_ingest_loads_a_file(environment, database, ask, tmp_path):
    """Status 0 means that every row is in the table."""
    source = write_icu_stays(tmp_path / "stays.csv", 30)

    done = run("ingest", str(source), env=environment | {"DATABASE_URL": database.dsn})

    assert done.returncode == 0, done.stderr
    assert ask("select count(*) from raw.icustays") == [(30,)]
    assert records(done.stderr)[-1]["rows"] == 30


def test_ingest_says_why_it_failed(environment, database, tmp_path):
    """Status 1 comes with a record of what failed, where, and who did it."""
    done = run("ingest", str(tmp_path / "gone.csv"), env=environment | {"DATABASE_URL": database.dsn})

    assert done.returncode == 1
    record = records(done.stderr)[-1]
    assert {"timestamp", "level", "error_type", "error_message", "operation", "correlation_id"} <= set(record)
    assert "gone.csv" in record["error_message"]


def test_ingest_needs_an_address(environment):
    """Status 2 means that the command was called wrongly, and the message names what is missing."""
    environment.pop("DATABASE_URL", None)

    done = run("ingest", "stays.csv", env=environment)

    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr


def test_export_and_transfer(environment, database, ask, tmp_path):
    """What was ingested is exported, a transfer is noted once for its id, and what fails ends with 1 and a record."""
    source = write_icu_stays(tmp_path / "stays.csv", 30)
    env = environment | {"DATABASE_URL": database.dsn}
    move = ("transfer", "30000000", "Coronary Care Unit (CCU)", "--id", "t-1")
    run("ingest", str(source), env=env)

    exported = run("export", str(tmp_path / "out.csv"), "--checkpoints", str(tmp_path / "kept"), env=env)
    moved = [run(*move, env=env).returncode for _ in range(2)]
    nowhere = run("export", str(tmp_path / "gone" / "out.csv"), "--checkpoints", str(tmp_path), env=env)
    nobody = run("transfer", "1", "CCU", "--id", "t-2", env=env)

    assert (exported.returncode, len((tmp_path / "out.csv").read_text().splitlines())) == (0, 30)
    assert (moved, ask("select count(*) from analytics.transfers")) == ([0, 0], [(1,)])
    assert (nowhere.returncode, nobody.returncode) == (1, 1)
    assert "out.csv" in records(nowhere.stderr)[-1]["error_message"]
    assert "23503" in records(nobody.stderr)[-1]["error_message"]


def test_train_registers_a_version(environment, mlflow_server):
    """Status 0 means that a version is registered; nothing but log lines is printed."""
    done = run("train", env=environment | {"MLFLOW_TRACKING_URI": mlflow_server.url})

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert records(done.stderr)[-1]["version"]


def test_serve_answers_until_it_is_told_to_stop(environment, mlflow_server, samples):
    """It is ready whether or not there is a model, refuses nonsense by status, and ends by SIGTERM with 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "icu_platform.serve", "--port", "0"],
        env=environment | {"MLFLOW_TRACKING_URI": mlflow_server.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = json.loads(process.stderr.readline())["port"]
        answers = {
            "health": ask_server(port, "/health"),
            "predict": ask_server(port, "/predict", {"rows": samples}),
            "not JSON": ask_server(port, "/predict", b"{"),
            "no rows": ask_server(port, "/predict", {"rows": []}),
            "no sample": ask_server(port, "/predict", {"rows": [{"worst_area": 1}]}),
            "elsewhere": ask_server(port, "/elsewhere", {}),
        }
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=GUARD)

    statuses = {name: status for name, (status, _) in answers.items()}
    expected = {
        "health": 200,
        "predict": 200,
        "not JSON": 400,
        "no rows": 400,
        "no sample": 422,
        "elsewhere": 404,
    }
    assert statuses == expected
    assert answers["predict"][1]["malignant"] == [True, True, True]
    assert process.returncode == 0, log
    assert records(log)[-1]["message"] == "stopped"


def ask_server(port, path, body=None):
    """Return the status of an answer, and its JSON."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GUARD)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, data)
        reply = connection.getresponse()
        return reply.status, json.load(reply)
