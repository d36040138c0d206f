"""Looks at a run's services from the side: their addresses around the proxies, and their states."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.mlflow_handle import MlflowHandle
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.chaos.state.postgres import PostgresState, read_state
from pytest_resilience.chaos.state.registry import RegistryState, read_registry
from pytest_resilience.chaos.workload.workload import Workload
from pytest_resilience.errors import HarnessError

State: TypeAlias = PostgresState | RegistryState


@dataclass(frozen=True, slots=True)
class Look:
    """Where the services of a run are, around the proxies.

    Args:
        sandbox: the run's.
        workload: the running one, for checks on itself; none before there is one.
    """

    sandbox: Sandbox
    workload: Workload | None = None

    def dsn(self, service: str) -> str:
        """Return the address of a database.

        Raises:
            HarnessError: the service has no SQL.
        """
        handle = self.sandbox.service(service)
        if not isinstance(handle, PostgresHandle):
            raise HarnessError(f"service {service!r} is no database, so it cannot be asked with SQL")
        return handle.direct_dsn

    def url(self, name: str) -> str:
        """Return the address of a web service, or of the workload, where it serves.

        Raises:
            HarnessError: it answers no HTTP.
        """
        if self.workload is not None and name == self.workload.declaration.name:
            return f"http://127.0.0.1:{self.workload.placeholders.port}"
        handle = self.sandbox.service(name)
        if not isinstance(handle, HttpHandle):
            raise HarnessError(f"service {name!r} answers no HTTP requests")
        return handle.direct_url

    def databases(self, services: Collection[str]) -> Sequence[PostgresHandle]:
        """Return those of the services that are databases."""
        handles = [self.sandbox.service(name) for name in services]
        return [handle for handle in handles if isinstance(handle, PostgresHandle)]

    def state(self, service: str, *, mask: Collection[str] = (), columns: bool = False) -> State | None:
        """Return the state of a service; none where it has none that is known."""
        handle = self.sandbox.service(service)
        if isinstance(handle, PostgresHandle):
            return read_state(handle.direct_dsn, mask=mask, columns=columns)
        if isinstance(handle, MlflowHandle):
            return read_registry(handle.direct_url)
        return None

    def states(self, services: Collection[str], *, mask: Collection[str] = ()) -> dict[str, State]:
        """Return the states of those services that have one."""
        found = {service: self.state(service, mask=mask) for service in services}
        return {service: state for service, state in found.items() if state is not None}
