"""Servers in containers: of the project's running Compose project where there is one, else of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_resilience.errors import HarnessError
from pytest_resilience.services import mlflow_docker, postgres_docker
from pytest_resilience.services.compose_file import image_of, project_of, published_port, running_container
from pytest_resilience.services.container import remove_left_behind
from pytest_resilience.services.docker_engine import Asked, docker_engine, fetch_image, version_in
from pytest_resilience.services.foreign_mlflow import foreign_mlflow
from pytest_resilience.services.foreign_postgres import begin_in, foreign_postgres, plan_in
from pytest_resilience.services.fresh_mlflow import FreshMlflow, KnownState
from pytest_resilience.services.libpq_url import libpq_url
from pytest_resilience.services.mlflow import OF_THE_RUN, MlflowAddress
from pytest_resilience.services.mlflow_docker import start_mlflow_container
from pytest_resilience.services.postgres import PostgresAddress
from pytest_resilience.services.postgres_docker import start_postgres_container
from pytest_resilience.services.process import ChildProcess
from pytest_resilience.services.registry_of_run import begin_in_registry, plan_in_registry
from pytest_resilience.services.run_folder import RunFolder

ASKED = Asked("--chaos-backend=docker", instead="--chaos-backend=embedded")


@dataclass(frozen=True, slots=True)
class Reused:
    """A server of a running Compose project.

    Args:
        project: its name.
        address: where it is, with its login, as its clients take it.
    """

    project: str
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerBackend:
    """Containers of the images that a project's docker-compose.yml names."""

    run: RunFolder
    postgres_image: str
    mlflow_image: str
    compose_postgres: Reused | None
    compose_mlflow: Reused | None
    why_no_drills: str = ""

    @classmethod
    def find(cls, run: RunFolder, folder: Path) -> DockerBackend:
        """See that there is a Docker engine, and what runs in it already.

        Args:
            run: the run that uses them.
            folder: the project, whose docker-compose.yml is read.

        Raises:
            HarnessError: there is no engine, or what runs there cannot be used.
        """
        with docker_engine(ASKED) as engine:
            remove_left_behind(engine)
            postgres = running_container(engine, folder, postgres_docker.COMPOSE_SERVICE)
            mlflow = running_container(engine, folder, mlflow_docker.COMPOSE_SERVICE)
        return cls(
            run=run,
            postgres_image=image_of(
                folder, postgres_docker.COMPOSE_SERVICE, default=postgres_docker.DEFAULT_IMAGE
            ),
            mlflow_image=image_of(folder, mlflow_docker.COMPOSE_SERVICE, default=mlflow_docker.DEFAULT_IMAGE),
            compose_postgres=None if postgres is None else Reused(project_of(postgres), _dsn(postgres)),
            compose_mlflow=None if mlflow is None else Reused(project_of(mlflow), _url(mlflow)),
        )

    @property
    def titles(self) -> tuple[str, ...]:
        """Each server with the version that the image's tag tells."""
        return (
            f"PostgreSQL docker {version_in(self.postgres_image)}{_of_project(self.compose_postgres)}",
            f"MLflow docker {version_in(self.mlflow_image)}{_of_project(self.compose_mlflow)}",
        )

    @property
    def plans(self) -> tuple[str, ...]:
        """What the run will make and remove in containers that are not its own."""
        told = []
        if self.compose_postgres is not None:
            told.append(
                plan_in(self.run, f"PostgreSQL of the Compose project {self.compose_postgres.project}")
            )
        if self.compose_mlflow is not None:
            told.append(
                plan_in_registry(self.run, f"MLflow of the Compose project {self.compose_mlflow.project}")
            )
        return tuple(told)

    @property
    def shares_registry(self) -> bool:
        """Whether tests use the registry of a Compose project."""
        return self.compose_mlflow is not None

    def postgres(self, run: RunFolder, *, loopback: bool) -> PostgresAddress:  # noqa: ARG002 - it always is
        """Make databases in the Compose project's server, or start a container."""
        if self.compose_postgres is not None:
            return begin_in(run, foreign_postgres(self.compose_postgres.address))
        self._fetch(self.postgres_image)
        return start_postgres_container(run, self.postgres_image)[1]

    def mlflow(self, run: RunFolder) -> MlflowAddress:
        """Use the Compose project's server, or start a container."""
        if self.compose_mlflow is not None:
            return begin_in_registry(run, foreign_mlflow(self.compose_mlflow.address))
        return self._start_mlflow(run, OF_THE_RUN)[1]

    def fresh_mlflow(self, known: KnownState, prepare: Callable[[MlflowAddress], None]) -> FreshMlflow:
        """Start a container on a store that is put back as it was."""
        return FreshMlflow.start(known, prepare, start=self._start_mlflow)

    def _start_mlflow(self, run: RunFolder, name: str) -> tuple[ChildProcess, MlflowAddress]:
        self._fetch(self.mlflow_image)
        return start_mlflow_container(run, self.mlflow_image, name)

    def _fetch(self, image: str) -> None:
        with docker_engine(ASKED) as engine:
            fetch_image(engine, image, ASKED)


def _dsn(container: Any) -> str:
    """Return where a container's server is, with the login that its variables tell."""
    told = dict(pair.split("=", 1) for pair in container.attrs["Config"]["Env"] if "=" in pair)
    password = told.get("POSTGRES_PASSWORD")
    if not password:
        raise HarnessError(
            f"the container {container.name} of the Compose project {project_of(container)} has no variable "
            "POSTGRES_PASSWORD, so nobody can log in from outside: set it in docker-compose.yml, or stop the project, "
            "and a container of our own is used"
        )
    user = told.get("POSTGRES_USER") or "postgres"
    return libpq_url(
        "postgresql",
        user=user,
        password=password,
        host="127.0.0.1",
        port=published_port(container, postgres_docker.PORT),
        database=told.get("POSTGRES_DB") or user,
    )


def _url(container: Any) -> str:
    return f"http://127.0.0.1:{published_port(container, mlflow_docker.PORT)}"


def _of_project(reused: Reused | None) -> str:
    return "" if reused is None else f" (Compose project {reused.project})"
