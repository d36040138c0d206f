"""What the page on backends shows is run: against another's servers, and in a Docker engine where there is one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.services.mlflow import start_mlflow
from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TESTS = """
import psycopg2

def test_databases_are_there(postgres):
    psycopg2.connect(postgres.dsn).close()
    print("at", postgres.database)

def test_registry_is_there(mlflow_server):
    from mlflow import MlflowClient
    MlflowClient(mlflow_server.url).create_registered_model(mlflow_server.prefix + "model")
"""


def _sh(script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-ec", script],
        cwd=cwd,
        env=environment | {"PATH": path} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_external(tmp_path: Path) -> None:
    """The role that the page makes is enough, with the addresses as it gives them."""
    (tmp_path / "test_it.py").write_text(TESTS)
    foreign = RunFolder.make()
    try:
        postgres, mlflow = start_postgres(foreign, loopback=True)[1], start_mlflow(foreign)[1]
        with postgres.connect() as connection, connection.cursor() as cursor:
            for statement in (HERE / "role.sql").read_text().split(";\n"):
                if statement:
                    cursor.execute(statement)
        script = (HERE / "external.sh").read_text()
        script = script.replace("127.0.0.1:5432", postgres.upstream).replace(
            "127.0.0.1:5000", mlflow.upstream
        )
        done = _sh(script, tmp_path)
    finally:
        foreign.end()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "makes databases resilience_" in done.stdout


def test_external_configuration(tmp_path: Path) -> None:
    """The configuration is read as the page says."""
    shutil.copy(HERE / "external.toml", tmp_path / "resilience.toml")
    configuration = read_configuration(tmp_path)

    assert configuration.allow_shared
    assert configuration.not_production == ("*.staging.example",)
    assert set(configuration.external) == {"warehouse", "registry"}


@pytest.fixture
def compose() -> None:
    """Compose and an engine with its images, or a skip."""
    docker, curl = shutil.which("docker"), shutil.which("curl")
    if docker is None or curl is None:
        pytest.skip("no `docker` or no `curl` on PATH: the playground is not tried")
    for question in (["info"], ["compose", "version"], ["image", "inspect", *_images()]):
        asked = subprocess.run([docker, *question], capture_output=True, text=True, check=False)
        if asked.returncode != 0:
            pytest.skip(f"`docker {' '.join(question)}` failed: {asked.stderr.strip()}")


def _images() -> list[str]:
    lines = (ROOT / "docker-compose.yml").read_text().splitlines()
    return [line.split("image: ")[1] for line in lines if "image: " in line]


@pytest.mark.usefixtures("compose")
def test_playground(tmp_path: Path) -> None:
    """docker-compose.yml alone brings it up, Toxiproxy slows it, and a run makes its databases in it."""
    (tmp_path / "test_it.py").write_text(TESTS)
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    name = f"playground{os.getpid()}"
    done = _sh((HERE / "playground.sh").read_text(), tmp_path, COMPOSE_PROJECT_NAME=name)
    _sh("docker compose down --volumes", tmp_path, COMPOSE_PROJECT_NAME=name)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"name":"latency_downstream"' in done.stdout
    assert f"(Compose project {name})" in done.stdout
    assert "2 passed" in done.stdout
