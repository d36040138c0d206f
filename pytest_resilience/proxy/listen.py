"""From the `listen` of a proxy to a port, as Go's `net.Listen` reads it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import NamedTuple

from pytest_resilience.proxy.address import AddressError, join_address, split_address

LOOKUP_TIMEOUT = 0.8
"""Seconds for the name service: every control call answers within one."""


class ListenError(OSError):
    """Refuse a `listen`; the text is Go's."""


class Place(NamedTuple):
    """Where to listen: a family, a numeric host (empty is every address of both families), a port."""

    family: socket.AddressFamily
    host: str
    port: int

    @property
    def address(self) -> str:
        """The place as Go writes it."""
        return join_address(self.host, self.port)


async def resolve_listen(loop: asyncio.AbstractEventLoop, listen: str) -> Place:
    """Find where to listen.

    Args:
        loop: the event loop.
        listen: `host:port`; a missing host is every address, a missing port a random one.

    Raises:
        ListenError: the address makes no sense, or its host has no address.
    """
    try:
        host, service = split_address(listen) if listen else ("", "")
    except AddressError as error:
        raise ListenError(str(error)) from error
    port = _port(service)
    if not host:
        return Place(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET, "", port)
    if host == "localhost":
        return Place(socket.AF_INET, "127.0.0.1", port)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return await _look_up(loop, host, port)
    return Place(socket.AF_INET6 if address.version == 6 else socket.AF_INET, host, port)


def _port(service: str) -> int:
    digits = service.removeprefix("+") or "0"
    if digits.isascii() and digits.removeprefix("-").isdigit():
        if len(digits) > 9 or not 0 <= int(digits) <= 65535:
            raise ListenError(f"address {service}: invalid port")
        return int(digits)
    try:
        return socket.getservbyname(service.lower(), "tcp")
    except OSError:
        raise ListenError(f"lookup tcp/{service}: unknown port") from None


async def _look_up(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Place:
    try:
        found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), LOOKUP_TIMEOUT)
    except TimeoutError:
        raise ListenError(f"lookup {host}: i/o timeout") from None
    except (OSError, ValueError):
        raise ListenError(f"lookup {host}: no such host") from None
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return Place(family, str(address[0]), port)
