"""From the `listen` of a proxy to a port, as Go's `net.Listen` reads it."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from typing import NamedTuple

from pytest_resilience.proxy.address import AddressError, join_address, split_address

LOOKUP_TIMEOUT = 0.8
"""Seconds for the name service: every control call answers within one."""

_LABEL = r"[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
_NAME = re.compile(rf"(?=.*[a-zA-Z_-])(?=.{{1,254}}\Z){_LABEL}(\.{_LABEL})*\.?\Z")
"""What Go asks the name service about: labels and dots, but not digits and dots alone."""


class ListenError(OSError):
    """Refuse a `listen`; the text is Go's."""


class Place(NamedTuple):
    """Where to listen: a family, a numeric host, a port, and the host as it was asked for.

    The two hosts differ where every address of the machine is meant: Go shows those as `[::]` once it listens, and
    until then as they were asked for.
    """

    family: socket.AddressFamily
    host: str
    port: int
    asked: str

    @property
    def address(self) -> str:
        """The place as Go writes it once it listens there."""
        return join_address(self.host, self.port)

    @property
    def spelling(self) -> str:
        """The place as Go writes it before that, and in errors."""
        return join_address(self.asked, self.port)

    @property
    def dual(self) -> bool:
        """Whether it is every address of both families."""
        return self.family == socket.AF_INET6 and self.host == "::"


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
        return _everywhere(host, port)
    if host == "localhost":
        return _at("127.0.0.1", port)
    try:
        return _at(host, port)
    except ValueError:
        return await _look_up(loop, host, port)


def _at(host: str, port: int) -> Place:
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_unspecified:
        return _everywhere(str(address), port)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    return Place(family, str(address), port, str(address))


def _everywhere(asked: str, port: int) -> Place:
    if socket.has_dualstack_ipv6():
        return Place(socket.AF_INET6, "::", port, asked)
    return Place(socket.AF_INET, "0.0.0.0", port, asked)  # noqa: S104 - only where the user asks for it


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
    if not _NAME.match(host) or _is_number(host):
        raise ListenError(f"lookup {host}: no such host")
    try:
        found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), LOOKUP_TIMEOUT)
    except TimeoutError:
        raise ListenError(f"lookup {host}: i/o timeout") from None
    except (OSError, ValueError):
        raise ListenError(f"lookup {host}: no such host") from None
    _, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return _at(str(address[0]), port)


def _is_number(host: str) -> bool:
    """Tell a number as C reads addresses (`0x7f.1`), which Go takes for a name that nobody has."""
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True
