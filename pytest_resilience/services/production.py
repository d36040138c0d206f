"""Whether an address may be production: nothing is broken there, so such an address is refused unless it is named."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from pytest_resilience.errors import HarnessError

WORDS = frozenset({"prod", "prd", "production", "live"})
"""Parts of a name that say what it is, `prod` in `db-prod1.example`."""

_Address: TypeAlias = IPv4Address | IPv6Address


def check_not_production(
    what: str,
    host: str,
    *,
    names: Iterable[str] = (),
    production: Iterable[str] = (),
    not_production: Iterable[str] = (),
) -> None:
    """Refuse an address that is listed as production, or that looks like it.

    It looks like it where the host is neither on this machine nor in a private network (RFC 1918, RFC 4193), or where
    a name says so.

    Args:
        what: the server, for messages.
        host: its name, its IP address, or the folder of its Unix socket.
        names: what else may tell, such as the name of the database.
        production: hosts, IP addresses, networks (`10.1.0.0/16`) or patterns (`*.hospital.example`) that are.
        not_production: the same, of those that are not, though they look like it.

    Raises:
        HarnessError: it is refused.
    """
    addresses = _addresses(host)
    for listed in production:
        if _is_meant(listed, host, addresses, aliases=True):
            raise HarnessError(
                f"{what} is at {host}, which is production: `production` lists {listed!r}. Nothing was done there"
            )
    if any(_is_meant(listed, host, addresses, aliases=False) for listed in not_production):
        return
    why = _why_it_looks_so(host, addresses, names)
    if why:
        raise HarnessError(
            f"{what} is at {host}, which looks like production: {why}. Nothing was done there; if it is not "
            f"production, say so: not_production = [{host!r}] in [tool.resilience] or resilience.toml"
        )


def _why_it_looks_so(host: str, addresses: set[_Address], names: Iterable[str]) -> str:
    public = sorted(str(address) for address in addresses if not _is_near(address))
    if public:
        return f"{public[0]} is neither on this machine nor in a private network"
    for name in (host, *names):
        if not _is_address(name) and WORDS & set(re.split(r"[^a-z]+", name.lower())):
            return f"its name is {name}"
    return ""


def _is_meant(listed: str, host: str, addresses: set[_Address], *, aliases: bool) -> bool:
    """Tell whether an entry means a host: by its name or a pattern, by a network, or by another name of it."""
    entry = listed.lower().rstrip(".")
    if fnmatchcase(host.lower().rstrip("."), entry):
        return True
    with suppress(ValueError):
        network = ip_network(entry, strict=False)
        return any(address in network for address in addresses)
    return aliases and "*" not in entry and bool(_addresses(entry) & addresses)


def _addresses(host: str) -> set[_Address]:
    """Return what a name stands for now; nothing for the folder of a socket, or a name that nobody knows."""
    if host.startswith("/"):
        return set()
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return {_plain(ip_address(str(info[4][0]))) for info in found}
    return set()


def _plain(address: _Address) -> _Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _is_near(address: _Address) -> bool:
    return address.is_loopback or address.is_private or address.is_link_local


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        ip_address(name)
        return True
    return False
