"""Whether something listens on a port of this machine, seen without connecting to it.

A server that takes a single connection would take ours for its client.
Source: sock_diag(7); Linux, Documentation/networking/proc_net_tcp.rst (addresses are words in the machine's byte
order), for a kernel that does not answer the former.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from pytest_resilience.services.sock_diag import told

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = 10
_ASK = struct.Struct("=BBHI48x")
_TELL = struct.Struct("!4xH2x16s")


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
    found: list[IPv4Address | IPv6Address] = []
    for family, size, address in ((socket.AF_INET, 4, IPv4Address), (socket.AF_INET6, 16, IPv6Address)):
        for message in told(_ASK.pack(family, socket.IPPROTO_TCP, 0, 1 << _LISTEN)):
            source, host = _TELL.unpack_from(message)
            if source == port:
                found.append(address(host[:size]))
    return found


def _listed(table: Path, port: int) -> list[IPv4Address | IPv6Address]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:  # a kernel without IPv6
        return []
    wanted = f":{port:04X}"
    rows = (line.split(maxsplit=4) for line in lines if wanted in line)
    return [_parsed(row[1]) for row in rows if int(row[3], 16) == _LISTEN and row[1].endswith(wanted)]


def _parsed(local: str) -> IPv4Address | IPv6Address:
    digits = local.partition(":")[0]
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return IPv4Address(packed) if len(words) == 1 else IPv6Address(packed)


def _reachable(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
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
