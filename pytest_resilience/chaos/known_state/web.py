"""A declared web service: its own command, or a server that is there already, behind a proxy that may speak TLS."""

from __future__ import annotations

from urllib.parse import urlsplit

from pytest_resilience.chaos.configuration.model import ServiceDeclaration
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.known_state.begun import Begun, addresses_of, join
from pytest_resilience.chaos.known_state.client_settings import as_a_client_of
from pytest_resilience.chaos.known_state.ground import Ground
from pytest_resilience.chaos.known_state.upstreams import own_upstream
from pytest_resilience.chaos.known_state.values import filled_env
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.authority import Authority, authority_of

PORTS = {"http": 80, "https": 443}


def begin_http(ground: Ground, declaration: ServiceDeclaration) -> Begun:
    """Begin to use a web service.

    Raises:
        HarnessError: its command did not start, or its address makes no sense.
    """
    url = _address(declaration)
    if url is None:
        upstream = own_upstream(ground, declaration)
        url, settings = f"http://{upstream.address}", {}
    else:
        settings = as_a_client_of(url)
    authority = authority_of(ground.pool.run, ground.pool.shell) if declaration.tls else None
    if authority is not None:
        settings["tls"] = {"certificate": authority.certificate, "key": authority.key}
    host, port = _host_and_port(declaration, url)
    proxied = ground.proxied(declaration.name, join(host, port), protocol="http", settings=settings)
    handle = HttpHandle(proxied, url, "http" if authority is None else "https")
    return Begun(
        handle=handle,
        addresses=addresses_of(host, port),
        env=filled_env(declaration, handle) | _trust(authority),
    )


def _trust(authority: Authority | None) -> dict[str, str]:
    return {} if authority is None else dict(authority.env)


def _address(declaration: ServiceDeclaration) -> str | None:
    """Return the URL of a server that is there already; none where a command serves."""
    upstream = declaration.upstream or ""
    return upstream if upstream.startswith(("http://", "https://")) else None


def _host_and_port(declaration: ServiceDeclaration, url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise HarnessError(f"upstream of service {declaration.name} is {url!r}: {error}") from error
    if not host:
        raise HarnessError(f"upstream of service {declaration.name} is {url!r}, which names no host")
    return host, PORTS[parts.scheme] if port is None else port
