"""Declared services as they begin in a sandbox: one function a kind, from the declaration to the handle."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_resilience.chaos.configuration.model import ServiceDeclaration, ServiceKind
from pytest_resilience.chaos.configuration.shapes import HOST_PORT
from pytest_resilience.chaos.known_state.begun import Begun, addresses_of, join
from pytest_resilience.chaos.known_state.ground import Ground
from pytest_resilience.chaos.known_state.registry import begin_mlflow
from pytest_resilience.chaos.known_state.template import new_database
from pytest_resilience.chaos.known_state.upstreams import own_upstream
from pytest_resilience.chaos.known_state.values import filled_env
from pytest_resilience.chaos.known_state.web import begin_http
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.tcp_handle import TcpHandle
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.postgres import PostgresAddress

UNDECLARED: Mapping[str, ServiceDeclaration] = {
    "postgres": ServiceDeclaration(name="postgres", kind="postgres", component="postgres"),
    "mlflow": ServiceDeclaration(name="mlflow", kind="mlflow", component="mlflow"),
}
"""What is there where nothing of the kind is declared."""


def begin_postgres(ground: Ground, declaration: ServiceDeclaration) -> Begun:
    """Begin to use a new database in its declared state.

    Raises:
        InitError: a step of `init` failed.
    """
    address = ground.pool.postgres()
    ground.note_log("PostgreSQL", address.log)
    database = new_database(ground, declaration)
    proxied = ground.proxied(
        declaration.name, address.upstream, protocol="postgres", settings=address.proxy_settings
    )
    handle = PostgresHandle(proxied, address, database, declaration.dialect)
    return Begun(handle=handle, addresses=_addresses_of(address), env=filled_env(declaration, handle))


def begin_tcp(ground: Ground, declaration: ServiceDeclaration) -> Begun:
    """Begin to use a service of an unknown protocol.

    Raises:
        HarnessError: its command did not start.
    """
    given = _host_and_port(declaration.upstream or "")
    if given is None:
        upstream = own_upstream(ground, declaration)
        given = upstream.host, upstream.port
    host, port = given
    handle = TcpHandle(ground.proxied(declaration.name, join(host, port), protocol="tcp"), host, port)
    return Begun(handle=handle, addresses=addresses_of(host, port), env=filled_env(declaration, handle))


BEGIN: Mapping[ServiceKind, Callable[[Ground, ServiceDeclaration], Begun]] = {
    "postgres": begin_postgres,
    "mlflow": begin_mlflow,
    "http": begin_http,
    "tcp": begin_tcp,
}


def _addresses_of(address: PostgresAddress) -> tuple[str, ...]:
    if address.upstream.startswith("unix:"):
        return (address.upstream.removeprefix("unix:"),)
    return addresses_of(address.host, address.port)


def _host_and_port(upstream: str) -> tuple[str, int] | None:
    """Return the place of a server that is there already; none where a command serves."""
    if not HOST_PORT.fits(upstream):
        return None
    host, _, port = upstream.rpartition(":")
    if int(port) > 65_535:
        raise HarnessError(f"the upstream {upstream!r} has a port beyond 65535")
    return host.strip("[]"), int(port)
