"""What the placeholders in a service's `env` stand for."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_resilience.chaos.configuration.model import ServiceDeclaration
from pytest_resilience.chaos.configuration.placeholders import fill
from pytest_resilience.chaos.handle import ServiceHandle
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.errors import HarnessError


def filled_env(declaration: ServiceDeclaration, handle: ServiceHandle) -> dict[str, str]:
    """Return a service's declared environment variables.

    Raises:
        HarnessError: a placeholder means nothing here.
    """
    values = values_of(handle)
    try:
        return {variable: fill(template, values) for variable, template in declaration.env.items()}
    except ValueError as error:
        raise HarnessError(f"env of service {declaration.name}: {error}") from error


def values_of(handle: ServiceHandle) -> Mapping[str, object]:
    """Return the placeholders of a service, by name."""
    place: dict[str, object] = {"host": handle.host, "port": handle.port}
    if isinstance(handle, PostgresHandle):
        login = {"user": handle.user, "password": handle.password}
        return {**place, **login, "dsn": handle.dsn, "database": handle.database}
    if isinstance(handle, HttpHandle):
        return {**place, "url": handle.url, "tracking_uri": handle.url}
    return place
