"""Whether something listens on a port of this machine, seen without connecting to it.

A server that takes a single connection would take ours for its client.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from pytest_resilience.services.sock_diag import listed_address, plain_address, tcp_sockets

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = 10


def listening_host(port: int) -> str | None:
    """Return the address by which what listens on `port` is reached from here; none where nothing does."""
    if not TABLES[0].exists():
        return _host_that_accepts(port)
    try:
        found = _told(port)
    except OSError:
        found = [address for table in TABLES for address in _listed(table, port)]
    return _reachable(found[0]) if found else None


def _told(port: int) -> list[IPv4Address | IPv6Address]:
    """Ask the kernel.

    Raises:
        OSError: it does not answer.
    """
    return [plain_address(one.address) for one in tcp_sockets(1 << _LISTEN) if one.port == port]


def _listed(table: Path, port: int) -> list[IPv4Address | IPv6Address]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:  # a kernel without IPv6
        return []
    wanted = f":{port:04X}"
    rows = (line.split(maxsplit=4) for line in lines if wanted in line)
    return [
        listed_address(row[1].partition(":")[0])
        for row in rows
        if int(row[3], 16) == _LISTEN and row[1].endswith(wanted)
    ]


def _reachable(address: IPv4Address | IPv6Address) -> str:
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "localhost"
    return str(address)


def _host_that_accepts(port: int) -> str | None:
    """Connect, where the system has no tables to look into."""
    for host in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((host, port), timeout=1.0):
                return host
        except OSError:
            continue
    return None
