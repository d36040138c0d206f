"""`--chaos-backend=docker`: servers in containers, for whole runs of pytest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_here import engine_with, of_run, wait_for
from ingestion import write_ingestion

USES_BOTH = """
    import os
    from pathlib import Path

    import psycopg2
    import pytest
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def test_postgres(postgres):
        in_worker = "PYTEST_XDIST_WORKER" in os.environ
        Path("owner").write_text(str(os.getppid() if in_worker else os.getpid()))
        with postgres.down() as fault, pytest.raises(psycopg2.OperationalError, match="refused"):
            psycopg2.connect(postgres.dsn)
        connection = psycopg2.connect(postgres.dsn)
        with postgres.at("COMMIT").cut(), pytest.raises(psycopg2.OperationalError):
            connection.cursor().execute("create table t (n int)")
            connection.commit()
        connection.close()
        assert fault.fired

    def test_mlflow(mlflow_server, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        client = MlflowClient(mlflow_server.url)
        client.create_registered_model("model")
        with mlflow_server.down(), pytest.raises(MlflowException):
            client.get_registered_model("model")
        assert client.get_registered_model("model").name == "model"
"""


@pytest.fixture
def engine() -> Iterator[Any]:
    """An engine that has PostgreSQL's image."""
    with engine_with("postgres") as opened:
        yield opened


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_faults_work_as_with_embedded_servers(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """In one process and in several; the header says of what, and no container is left."""
    with engine_with("postgres", "mlflow") as engine:
        pytester.makepyfile(USES_BOTH)
        result = pytester.runpytest_subprocess("--chaos", "--chaos-backend=docker", *workers)
        owner = int(Path("owner").read_text())
        wait_for(lambda: of_run(engine, owner) == [])

    result.assert_outcomes(passed=2)
    result.stdout.re_match_lines(
        [r"resilience: PostgreSQL docker 18\.\S+, MLflow docker 3\.\S+, proxy embedded"]
    )


def test_gate(pytester: pytest.Pytester, engine: Any) -> None:
    """The checklist is judged on a server in a container as on an embedded one."""
    write_ingestion(pytester.path)
    result = pytester.runpytest_subprocess("--checklist", "--chaos-backend=docker", "-k", "transactions")
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())
    verdicts = {item["id"]: item["verdict"] for item in report["items"]}

    assert "failed" not in result.parseoutcomes()
    assert verdicts["transactions"] == "passed"
    assert report["engines"]["postgres"].startswith("docker 18.")


def test_missing_engine(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends before it begins, and the error says what needs no Docker."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    result = pytester.runpytest_subprocess("--chaos", "--chaos-backend=docker")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines([r".*no Docker engine answers at unix:///nowhere.*--chaos-backend=embedded"])


def test_missing_image(pytester: pytest.Pytester, engine: Any) -> None:
    """What needs it is red, with the image's name and what shows more."""
    (pytester.path / "docker-compose.yml").write_text("services: {postgres: {image: 'example.invalid/no:1'}}")
    pytester.makepyfile("def test_nothing(): pass\ndef test_postgres(postgres): pass")
    result = pytester.runpytest_subprocess("--chaos", "--chaos-backend=docker")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.re_match_lines(
        [r".*has no image example\.invalid/no:1 and could not fetch it.*docker pull"]
    )


STUCK = """
    from pathlib import Path
    import threading

    def test_stuck(postgres):
        Path("ready").touch()
        threading.Event().wait()
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_run_leaves_no_container(
    pytester: pytest.Pytester, engine: Any, end: signal.Signals
) -> None:
    """Ctrl-C, SIGTERM and SIGKILL in the middle of a test."""
    pytester.makepyfile(STUCK)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--chaos", "--chaos-backend=docker", "-q"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(os.environ),
    )
    wait_for(lambda: Path("ready").exists() or run.poll() is not None)
    running = of_run(engine, run.pid)
    run.send_signal(end)
    run.wait()
    wait_for(lambda: of_run(engine, run.pid) == [])

    assert len(running) == 1
