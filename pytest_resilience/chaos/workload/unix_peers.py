"""Which Unix socket is connected to which, as the kernel tells it over netlink (Linux's sock_diag)."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

from pytest_resilience.services.sock_diag import aligned, told

SHOW_PEER_AND_WAITING = 4 | 8
PEER, WAITING = 2, 3
_ASK = struct.Struct("=BBHIIIII")
_TELL = struct.Struct("=BBBBIII")
_ATTRIBUTE = struct.Struct("=HH")


def unix_peers() -> dict[str, str]:
    """Return for each connected Unix socket's inode the other end's, or the listener's that has not accepted it yet."""
    if sys.platform != "linux":
        return {}
    peers: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for message in told(_ASK.pack(socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, SHOW_PEER_AND_WAITING, 0, 0)):
            _note(message, peers)
    return peers


def _note(message: bytes, peers: dict[str, str]) -> None:
    inode = _TELL.unpack_from(message)[4]
    at = _TELL.size
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if length < _ATTRIBUTE.size:
            return
        numbers = struct.unpack_from(f"={(length - _ATTRIBUTE.size) // 4}I", message, at + _ATTRIBUTE.size)
        if kind == PEER and numbers[0]:  # one that was not accepted yet has no number
            peers[str(inode)] = str(numbers[0])
        if kind == WAITING:  # those that wait to be accepted by this listener
            peers.update({str(client): str(inode) for client in numbers})
        at += aligned(length)
