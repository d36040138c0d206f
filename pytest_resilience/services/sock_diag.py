"""Questions to the kernel about its sockets over netlink: a fiftieth of the time of reading the tables in /proc.

Source: sock_diag(7), netlink(7).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

SOCK_DIAG = 4
BY_FAMILY = 20
ROOT_AND_REQUEST = 0x301
DONE, ERROR = 3, 2
_HEAD = struct.Struct("=IHHII")


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
