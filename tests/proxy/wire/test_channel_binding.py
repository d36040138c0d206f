"""A client without TLS is offered what it can take, of a server that speaks TLS with the proxy."""

from __future__ import annotations

import struct

import pytest

from pytest_resilience.proxy.wire.postgres.channel_binding import UnboundOffer


def message(kind: bytes, payload: bytes) -> bytes:
    """Return a message of a server."""
    return kind + struct.pack("!I", 4 + len(payload)) + payload


def offer(*mechanisms: bytes) -> bytes:
    """Return AuthenticationSASL."""
    listed = b"".join(name + b"\x00" for name in mechanisms)
    return message(b"R", struct.pack("!I", 10) + listed + b"\x00")


BOUND, PLAIN = b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256"
VERSION = message(b"v", struct.pack("!II", 196608, 0))
OK = message(b"R", struct.pack("!I", 0))
MD5 = message(b"R", struct.pack("!I", 5) + b"salt")
ERROR = message(b"E", b"SFATAL\x00\x00")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (offer(BOUND, PLAIN) + OK, offer(PLAIN) + OK),
        (VERSION + offer(BOUND, PLAIN), VERSION + offer(PLAIN)),
        (offer(PLAIN), offer(PLAIN)),
        (offer(BOUND), offer(BOUND)),
        (MD5 + offer(BOUND, PLAIN), MD5 + offer(BOUND, PLAIN)),
        (ERROR, ERROR),
        (OK + message(b"D", offer(BOUND, PLAIN)), OK + message(b"D", offer(BOUND, PLAIN))),
    ],
)
def test_offer(sent: bytes, expected: bytes) -> None:
    """Only the first request for authentication is changed, wherever its bytes are split."""
    for cut in range(len(sent) + 1):
        unbound = UnboundOffer()

        assert unbound.take(sent[:cut]) + unbound.take(sent[cut:]) == expected
