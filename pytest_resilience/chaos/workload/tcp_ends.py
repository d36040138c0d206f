"""Where TCP sockets go, by inode: asked of the kernel, or read from the table of a process where it does not answer.

The table has all that was closed in the last minute, and takes the kernel five times as long.
Source: sock_diag(7); Linux, Documentation/networking/proc_net_tcp.rst.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from pytest_resilience.services.sock_diag import told

_LISTENS, _CLOSED_LATELY = 0x0A, 0x06
_ASK = struct.Struct("=BBHI48x")
_TELL = struct.Struct("!BBxxHH16s16s")
_INODE_AT = 68


@dataclass(frozen=True, slots=True)
class TcpEnd:
    """Where a TCP socket goes, in plain numbers; the port of one that listens is 0."""

    local: str
    host: str
    port: int


def tcp_ends(pid: int, inodes: Iterable[str]) -> dict[str, TcpEnd]:
    """Return where these sockets of a process go; those that go nowhere yet are left out."""
    wanted = set(inodes)
    try:
        known = _told() if _is_in_our_network(pid) else _listed(pid, wanted)
    except OSError:
        known = _listed(pid, wanted)
    return {inode: known[inode] for inode in wanted & known.keys()}


def _is_in_our_network(pid: int) -> bool:
    """Whether a process is in no network namespace of its own, of which we would be told nothing."""
    return os.stat(f"/proc/{pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116 - as quick


def _told() -> dict[str, TcpEnd]:
    """Ask the kernel.

    Raises:
        OSError: it does not answer.
    """
    found: dict[str, TcpEnd] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        for message in told(_ASK.pack(family, socket.IPPROTO_TCP, 0, ~(1 << _CLOSED_LATELY) & 0xFFFFFFFF)):
            kind, _, _, port, local, host = _TELL.unpack_from(message)
            size = 4 if kind == socket.AF_INET else 16
            (inode,) = struct.unpack_from("=I", message, _INODE_AT)
            found[str(inode)] = TcpEnd(_address(local[:size]), _address(host[:size]), port)
    return found


def _listed(pid: int, inodes: Iterable[str]) -> dict[str, TcpEnd]:
    found: dict[str, TcpEnd] = {}
    wanted = set(inodes)
    for name in ("tcp", "tcp6"):
        text = net_table(pid, name) if wanted - found.keys() else ""
        for inode in wanted - found.keys():
            row = _row(text, inode)
            if row and (int(row[3], 16) == _LISTENS or not row[2].endswith(":0000")):
                host, port = _decoded(row[2])
                found[inode] = TcpEnd(_decoded(row[1])[0], host, port)
    return found


def net_table(pid: int, name: str) -> str:
    """Return one of the kernel's tables of sockets, in the network of a process; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/net/{name}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _row(text: str, inode: str) -> list[str] | None:
    """Return a socket's row in a table that may have thousands of them."""
    at = text.find(f" {inode} ")
    while at >= 0:
        end = text.find("\n", at)
        row = text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].split()
        if row[9] == inode:
            return row
        at = text.find(f" {inode} ", at + 1)
    return None


def _decoded(text: str) -> tuple[str, int]:
    """Return host and port from the kernel's hexadecimal words in the machine's byte order."""
    number, _, port = text.partition(":")
    words = bytes.fromhex(number)
    if sys.byteorder == "little":
        words = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    return _address(words), int(port, 16)


def _address(packed: bytes) -> str:
    """Return an address as people write it; an IPv4 one in IPv6 clothes as what it is."""
    address: IPv4Address | IPv6Address = ip_address(packed)
    return str(getattr(address, "ipv4_mapped", None) or address)
