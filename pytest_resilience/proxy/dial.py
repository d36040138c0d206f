"""Reaching a server: `host:port`, or `unix:/path` for one on a Unix socket."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from pytest_resilience.proxy.address import LOOPBACK_NAMES, split_address

UNIX_PREFIX = "unix:"


async def dial(loop: asyncio.AbstractEventLoop, upstream: str) -> socket.socket:
    """Connect to the server.

    Args:
        loop: the event loop.
        upstream: `host:port`, or `unix:` and an absolute path.

    Raises:
        OSError: nothing listens there, or the address makes no sense.
        ValueError: the host or the path is no text that the system takes.
    """
    failure: OSError = OSError(f"{upstream} has no address")
    for family, address in await _addresses(loop, upstream):
        try:
            return await _connect(loop, family, address)
        except OSError as error:
            failure = error
    raise failure


async def _addresses(loop: asyncio.AbstractEventLoop, upstream: str) -> list[tuple[int, Any]]:
    if upstream.startswith(UNIX_PREFIX):
        return [(socket.AF_UNIX, upstream.removeprefix(UNIX_PREFIX))]
    try:
        host, port = split_address(upstream)
    except ValueError as error:
        raise OSError(str(error)) from error
    if port.isdecimal() and (len(port) > 6 or int(port) > 65535):
        raise OSError(f"{port} is no port")
    if host in LOOPBACK_NAMES and port.isdecimal():
        return [(socket.AF_INET, ("127.0.0.1", int(port))), (socket.AF_INET6, ("::1", int(port)))]
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


async def _connect(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
