"""Where TCP sockets go, by inode: asked of the kernel, or read from the table of a process where it does not answer.

The table has all that was closed in the last minute, and takes the kernel five times as long.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.services.sock_diag import listed_address, plain_address, tcp_sockets

_LISTENS, _CLOSED_LATELY = 0x0A, 0x06
_ALL_BUT_CLOSED_LATELY = ~(1 << _CLOSED_LATELY) & 0xFFFFFFFF


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
        return _told(wanted) if _is_in_our_network(pid) else _listed(pid, wanted)
    except OSError:
        return _listed(pid, wanted)


def listeners(port: int | None) -> set[str]:
    """Return the inodes of what listens on a port of this machine; none where the kernel does not tell."""
    try:
        return {one.inode for one in tcp_sockets(1 << _LISTENS) if one.port == port}
    except OSError:
        return set()


def _is_in_our_network(pid: int) -> bool:
    """Whether a process is in no network namespace of its own, of which we would be told nothing."""
    return os.stat(f"/proc/{pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116 - as quick


def _told(wanted: set[str]) -> dict[str, TcpEnd]:
    """Ask the kernel.

    Raises:
        OSError: it does not answer.
    """
    return {
        one.inode: TcpEnd(str(plain_address(one.address)), str(plain_address(one.far_address)), one.far_port)
        for one in tcp_sockets(_ALL_BUT_CLOSED_LATELY)
        if one.inode in wanted
    }


def _listed(pid: int, wanted: set[str]) -> dict[str, TcpEnd]:
    found: dict[str, TcpEnd] = {}
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
    """Return host and port of one side."""
    number, _, port = text.partition(":")
    return str(listed_address(number)), int(port, 16)
