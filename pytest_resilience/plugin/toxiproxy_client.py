"""The `toxiproxy` fixture's object: the well-known client, which finds the proxies of this test by service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from toxiproxy import Toxiproxy


class Address(Protocol):
    """Where an engine's API is."""

    @property
    def host(self) -> str:
        """Its host."""

    @property
    def port(self) -> int:
        """Its port."""


class ServiceToxiproxy(Toxiproxy):  # type: ignore[misc]  # the package has no types
    """A `toxiproxy.Toxiproxy` that finds a service's proxy by the service's name.

    Args:
        proxy_name: what the proxy of a service is called there; in a Toxiproxy that others use it is another.
    """

    def __init__(self, proxy_name: Callable[[str], str]) -> None:
        super().__init__()
        self._proxy_name = proxy_name

    def get_proxy(self, proxy_name: str) -> Any:
        """Return the proxy of the service of that name, else the proxy of that name, else none."""
        proxies = self.proxies()
        return proxies.get(self._proxy_name(proxy_name)) or proxies.get(proxy_name)


def client_of(engine: Address, *, proxy_name: Callable[[str], str] = str) -> ServiceToxiproxy:
    """Return a client of that engine; the package keeps the address for all its clients."""
    client = ServiceToxiproxy(proxy_name)
    client.update_api_consumer(engine.host, engine.port)
    return client
