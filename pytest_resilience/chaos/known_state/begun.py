"""A service that a sandbox has begun to use."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_resilience.chaos.handle import ServiceHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A service with its proxies.

    Args:
        handle: its handle.
        addresses: where the real one is, each `host:port` or the path of a Unix socket.
        env: what code needs to know to use it by way of the proxy.
    """

    handle: ServiceHandle
    addresses: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def addresses_of(host: str, port: int) -> tuple[str, ...]:
    """Return where a server is: by its name, and by every address that the name stands for now."""
    try:
        found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError:  # nobody knows the name: then nobody gets there directly
        found = []
    return tuple(dict.fromkeys(join(str(each), port) for each in (host, *found)))


def join(host: str, port: int) -> str:
    """Return `host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
