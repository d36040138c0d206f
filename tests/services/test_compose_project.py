"""A running Compose project is used, not doubled: our databases in its server, and nothing of it touched."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docker_here import engine_with, image, of_run, wait_for

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.docker_backend import DockerBackend
from pytest_resilience.services.foreign_postgres import what_else_is_in
from pytest_resilience.services.run_folder import RunFolder

LABEL = "com.docker.compose."


@pytest.fixture
def engine() -> Iterator[Any]:
    """An engine that has PostgreSQL's image."""
    with engine_with("postgres") as opened:
        yield opened


@contextmanager
def composed(engine: Any, folder: Path, **settings: Any) -> Iterator[Any]:
    """Run a container as Compose makes it of the service `postgres` of the folder."""
    (folder / "docker-compose.yml").touch()
    container = engine.containers.run(
        image("postgres"),
        detach=True,
        name=f"t{secrets.token_hex(8)}",
        labels={
            f"{LABEL}service": "postgres",
            f"{LABEL}project": "icu",
            f"{LABEL}project.working_dir": str(folder),
            f"{LABEL}project.config_files": str(folder / "docker-compose.yml"),
        },
        **{
            "ports": {"5432/tcp": ("127.0.0.1", None)},
            "environment": {"POSTGRES_PASSWORD": "pass/wörd", "POSTGRES_USER": "icu"},
            **settings,
        },
    )
    try:
        wait_for(lambda: b"ready to accept" in container.logs().partition(b"init process complete")[2])
        yield container
    finally:
        container.remove(force=True, v=True)


def test_databases_are_made_in_the_running_server(engine: Any, run: RunFolder, tmp_path: Path) -> None:
    """The run's name begins theirs, they go with it, and the container stays; no other one is started."""
    with composed(engine, tmp_path) as container:
        backend = DockerBackend.find(run, tmp_path)
        (plan,) = backend.plans
        address = backend.postgres(run, loopback=False)
        address.create_database(f"{address.prefix}one")
        with pytest.raises(HarnessError, match="is not of this run"):
            address.drop_database("icu")
        ours = of_run(engine, run.owner)
        run.end()
        container.reload()
        left = what_else_is_in(address)

    assert ours == []
    assert (container.status, left) == ("running", [])
    assert backend.titles[0].endswith(" (Compose project icu)")
    assert re.match(r"PostgreSQL of the Compose project icu: makes databases resilience_", plan)
    assert "pass" not in repr(backend)


def test_project_of_another_folder_is_not_ours(engine: Any, run: RunFolder, tmp_path: Path) -> None:
    """It is told by its file, not by the names of its services."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "docker-compose.yml").touch()
    with composed(engine, tmp_path):
        backend = DockerBackend.find(run, other)

    assert (backend.compose_postgres, backend.plans) == (None, ())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ports": {}}, r'publishes no port for its 5432: add `ports: \["127\.0\.0\.1::5432"\]`'),
        (
            {
                "environment": {"POSTGRES_HOST_AUTH_METHOD": "trust", "POSTGRES_PASSWORD": ""},
                "entrypoint": "/bin/sh",
            },
            "has no variable POSTGRES_PASSWORD",
        ),
        (
            {"healthcheck": {"test": ["CMD", "/nowhere"], "interval": 1_000_000_000, "retries": 1}},
            "is (starting|unhealthy): `docker compose up --wait` waits for it",
        ),
    ],
)
def test_project_that_cannot_be_used(
    engine: Any, run: RunFolder, tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    """The error says what is wrong with it, and what to do."""
    if "entrypoint" in settings:
        settings = {
            **settings,
            "command": ["-c", "echo init process complete, ready to accept; while :; do read x || :; done"],
            "tty": True,
        }
    with composed(engine, tmp_path, **settings), pytest.raises(HarnessError, match=words):
        DockerBackend.find(run, tmp_path)
