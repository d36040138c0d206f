"""Which backend PostgreSQL and MLflow of a run come from, by the option, the environment and the configuration."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pytest_resilience.chaos.configuration.model import Configuration, ServiceKind
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.backend import Backend, EmbeddedBackend
from pytest_resilience.services.docker_backend import DockerBackend
from pytest_resilience.services.external_backend import (
    MLFLOW_VARIABLE,
    POSTGRES_VARIABLE,
    ExternalBackend,
    Guard,
)
from pytest_resilience.services.run_folder import RunFolder

EXTERNAL = "external"


def backend_of(choice: str, folder: Path, run: RunFolder, configuration: Configuration) -> Backend:
    """Return the backend of that choice; nothing is started or made yet.

    Args:
        choice: `auto`, `embedded`, `docker` or `external`.
        folder: the project, whose docker-compose.yml is read.
        run: the run that uses it.
        configuration: what the team declared.

    Raises:
        HarnessError: it cannot be had, or is refused.
    """
    if choice == "docker":
        return DockerBackend.find(run, folder)
    if choice != EXTERNAL:
        return EmbeddedBackend()
    guard = _guard(configuration)
    external = ExternalBackend.find(
        run,
        guard,
        dsn=os.environ.get(POSTGRES_VARIABLE) or _address("postgres", configuration),
        url=os.environ.get(MLFLOW_VARIABLE) or _address("mlflow", configuration),
    )
    if run.owner == os.getpid():  # its workers begin when the run has made something there
        external.check_alone(guard)
    return external


def with_external(configuration: Configuration) -> Configuration:
    """Return the configuration with the web and other services at the addresses that `external` gives them.

    Raises:
        HarnessError: one of them is production, or looks like it.
    """
    guard, services = _guard(configuration), dict(configuration.services)
    for name, address in configuration.external.items():
        if services[name].kind in {"http", "tcp"}:
            host = urlsplit(address if "://" in address else f"tcp://{address}").hostname or ""
            guard.check_place(f"the service {name}", host)
            services[name] = replace(services[name], upstream=address)
    return replace(configuration, services=services)


def _guard(configuration: Configuration) -> Guard:
    return Guard(
        production=configuration.production,
        not_production=configuration.not_production,
        allow_shared=configuration.allow_shared,
    )


def _address(kind: ServiceKind, configuration: Configuration) -> str | None:
    """Return the address of the services of a kind, which all are on one server; none where none is given."""
    given = {
        name: address
        for name, address in configuration.external.items()
        if configuration.services[name].kind == kind
    }
    if len(set(given.values())) > 1:
        raise HarnessError(
            f"`external` gives several addresses for services of kind {kind}: {', '.join(given)}. Each gets a "
            "database of its own on one server: give them all the same address"
        )
    return next(iter(given.values()), None)
