"""What a server offers for logging in, without what is bound to a TLS session that the client has no part in.

Source: PostgreSQL documentation, chapters 54.3.1 (SCRAM-SHA-256) and 54.7 (AuthenticationSASL). A client without TLS
breaks off where SCRAM-SHA-256-PLUS is offered to it; that the server speaks TLS is between it and the proxy.
"""

from __future__ import annotations

import struct

from pytest_resilience.proxy.wire.postgres.frames import HEADER

_AUTHENTICATION = b"R"
_NEGOTIATE_VERSION = b"v"
_SASL = 10


class UnboundOffer:
    """Take the bound mechanisms out of the first authentication request that comes by; all else passes as it is."""

    def __init__(self) -> None:
        self._held = b""
        self._over = False

    def take(self, data: bytes) -> bytes:
        """Return what may go on to the client of what the server sent."""
        if self._over:
            return data
        held, passed = self._held + data, b""
        while len(held) >= HEADER:
            end = 1 + struct.unpack_from("!I", held, 1)[0]
            if held[:1] not in {_AUTHENTICATION, _NEGOTIATE_VERSION}:
                return self._end(passed + held)
            if len(held) < end:
                break
            message, held = held[:end], held[end:]
            if message[:1] == _AUTHENTICATION:
                return self._end(passed + _unbound(message) + held)
            passed += message
        self._held = held
        return passed

    def _end(self, rest: bytes) -> bytes:
        self._over, self._held = True, b""
        return rest


def _unbound(message: bytes) -> bytes:
    payload = message[HEADER:]
    if payload[:4] != struct.pack("!I", _SASL):
        return message
    mechanisms = [name for name in payload[4:].split(b"\x00") if name]
    kept = [name for name in mechanisms if not name.endswith(b"-PLUS")]
    if not kept or kept == mechanisms:
        return message
    offered = payload[:4] + b"".join(name + b"\x00" for name in kept) + b"\x00"
    return _AUTHENTICATION + struct.pack("!I", 4 + len(offered)) + offered
