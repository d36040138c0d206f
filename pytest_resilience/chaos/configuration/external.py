"""The addresses of services that are not started here, as a configuration declares them."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_resilience.chaos.configuration.model import ServiceKind
from pytest_resilience.chaos.configuration.promises import Kinds
from pytest_resilience.chaos.configuration.shapes import HOST_PORT, HTTP_URL, POSTGRES_URL, Shape
from pytest_resilience.chaos.configuration.table import Table
from pytest_resilience.chaos.nearest import nearest

_ADDRESSES: Mapping[ServiceKind, Shape] = {
    "postgres": POSTGRES_URL,
    "mlflow": HTTP_URL,
    "http": HTTP_URL,
    "tcp": HOST_PORT,
}


def read_external(outer: Table, kinds: Kinds) -> dict[str, str]:
    """Return the addresses by service; messages never show one, since there may be a password in it."""
    addresses = outer.pairs("external")
    for name, address in addresses.items():
        kind = kinds.get(name)
        if name not in kinds:
            outer.complain(
                f"external names {name!r}, and no service is called so: {nearest(name, kinds)}",
                "external",
                name,
            )
        elif kind is not None and not _ADDRESSES[kind].fits(address):
            outer.complain(
                f"external.{name} is no address of {kind}: {_ADDRESSES[kind].meant}", "external", name
            )
    return addresses
