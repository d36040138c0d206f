"""Where PostgreSQL and MLflow of a run come from: one small protocol, and the embedded servers behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pytest_resilience.services.fresh_mlflow import FreshMlflow, KnownState
from pytest_resilience.services.mlflow import MlflowAddress, mlflow_version, start_mlflow
from pytest_resilience.services.postgres import PostgresAddress, start_postgres
from pytest_resilience.services.postgres_programs import embedded_version
from pytest_resilience.services.run_folder import RunFolder


class Backend(Protocol):
    """Where PostgreSQL and MLflow of a run come from."""

    @property
    def titles(self) -> tuple[str, ...]:
        """Each server with its kind and version, for the header."""

    @property
    def plans(self) -> tuple[str, ...]:
        """What the run will make and remove on servers that are not its own, told before it does; none elsewhere."""

    @property
    def why_no_drills(self) -> str:
        """Why the steps of runbooks are not run there; empty where they may be."""

    @property
    def shares_registry(self) -> bool:
        """Whether the MLflow server is another's, on which the run's own names have to tell what belongs to it."""

    def postgres(self, run: RunFolder, *, loopback: bool) -> PostgresAddress:
        """Start the run's PostgreSQL server, or see to it that what the run makes on another's goes with the run.

        Args:
            run: the folder and the owner of what is started.
            loopback: it has to be at a host and port, a Unix socket will not do.

        Raises:
            HarnessError: it cannot be had.
        """

    def mlflow(self, run: RunFolder) -> MlflowAddress:
        """Start the MLflow server that all tests of a run share, or use another's.

        Raises:
            HarnessError: it cannot be had.
        """

    def fresh_mlflow(self, known: KnownState, prepare: Callable[[MlflowAddress], None]) -> FreshMlflow:
        """Start an MLflow server that can be put back into a known state, the one that `prepare` leaves.

        Raises:
            HarnessError: it cannot be had, with the reason.
        """


@dataclass(frozen=True, slots=True)
class EmbeddedBackend:
    """Processes of this machine, from installed packages."""

    plans: tuple[str, ...] = ()
    why_no_drills: str = ""
    shares_registry: bool = False

    @property
    def titles(self) -> tuple[str, ...]:
        """Each server with its version."""
        return f"PostgreSQL embedded {embedded_version()}", f"MLflow embedded {mlflow_version()}"

    def postgres(self, run: RunFolder, *, loopback: bool) -> PostgresAddress:
        """Start a server of our own."""
        return start_postgres(run, loopback=loopback)[1]

    def mlflow(self, run: RunFolder) -> MlflowAddress:
        """Start a server of our own."""
        return start_mlflow(run)[1]

    def fresh_mlflow(self, known: KnownState, prepare: Callable[[MlflowAddress], None]) -> FreshMlflow:
        """Start a server of our own on a store that is put back as it was."""
        return FreshMlflow.start(known, prepare)
