"""Which Unix socket is connected to which, as the kernel tells it over netlink (Linux's sock_diag)."""

from __future__ import annotations

import socket
import struct
import sys

SOCK_DIAG = 4
BY_FAMILY = 20
ROOT_AND_REQUEST = 0x301
DONE, ERROR = 3, 2
SHOW_PEER_AND_WAITING = 4 | 8
PEER, WAITING = 2, 3
_HEAD = struct.Struct("=IHHII")
_ASK = struct.Struct("=BBHIIIII")
_TELL = struct.Struct("=BBBBIII")
_ATTRIBUTE = struct.Struct("=HH")


def unix_peers() -> dict[str, str]:
    """Return for each connected Unix socket's inode the other end's, or the listener's that has not accepted it yet."""
    if sys.platform != "linux":
        return {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as line:
            body = _ASK.pack(socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, SHOW_PEER_AND_WAITING, 0, 0)
            line.send(_HEAD.pack(_HEAD.size + len(body), BY_FAMILY, ROOT_AND_REQUEST, 1, 0) + body)
            return _answers(line)
    except OSError:
        return {}


def _answers(line: socket.socket) -> dict[str, str]:
    peers: dict[str, str] = {}
    while True:
        data = line.recv(1 << 20)
        at = 0
        while at + _HEAD.size <= len(data):
            length, kind, *_ = _HEAD.unpack_from(data, at)
            if kind in {DONE, ERROR} or length < _HEAD.size:
                return peers
            _note(data[at + _HEAD.size : at + length], peers)
            at += _aligned(length)


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
        at += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
