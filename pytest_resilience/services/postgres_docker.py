"""A real PostgreSQL server in a container of its own, on a loopback port."""

from __future__ import annotations

import secrets
from dataclasses import replace

from pytest_resilience.services.container import run_container
from pytest_resilience.services.docker_engine import version_in
from pytest_resilience.services.postgres import SETTINGS, USER, PostgresAddress, server_version
from pytest_resilience.services.process import ChildProcess
from pytest_resilience.services.quiet_port import on_quiet_port
from pytest_resilience.services.run_folder import RunFolder

COMPOSE_SERVICE = "postgres"
DEFAULT_IMAGE = "postgres:18.6-bookworm"
"""For projects whose docker-compose.yml names none."""
PORT = 5432
START_TIMEOUT = 120.0


def start_postgres_container(run: RunFolder, image: str) -> tuple[ChildProcess, PostgresAddress]:
    """Start a server in a container of an image that takes its settings as the official one does.

    Args:
        run: the folder and the owner of the container.
        image: the engine has it.

    Raises:
        ServiceStartError: it did not start.
    """
    password = secrets.token_urlsafe(24)
    return on_quiet_port(lambda port: _start(run, image, password, port))


def _start(run: RunFolder, image: str, password: str, port: int) -> tuple[ChildProcess, PostgresAddress]:
    log = run.folder("postgres") / "server.log"
    child = run_container(
        run, "postgres", image=image, title="PostgreSQL", log=log, settings=_settings(password, port)
    )
    address = PostgresAddress(
        host="127.0.0.1",
        port=port,
        user=USER,
        password=password,
        version=version_in(image),
        log=str(log),
    )
    child.wait_until(address.answers, timeout=START_TIMEOUT)
    return child, replace(address, version=server_version(address))


def _settings(password: str, port: int) -> dict[str, object]:
    """Return what the container is made with (the official image's documentation, "Environment Variables")."""
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return {
        "command": ["postgres", *options],
        "environment": {
            "POSTGRES_USER": USER,
            "POSTGRES_PASSWORD": password,
            "POSTGRES_DB": "postgres",
            "POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=C.UTF-8 --no-sync",
        },
        "ports": {f"{PORT}/tcp": ["127.0.0.1", port]},
        "shm_size": "256m",
        "cap_drop": ["ALL"],
        "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
    }
