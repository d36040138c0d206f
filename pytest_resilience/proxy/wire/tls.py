"""TLS on one side of a connection, without any input or output of its own."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable

CHUNK = 64 * 1024


class TlsSession:
    """Encrypt and decrypt what one peer and we say to each other.

    Args:
        context: certificates and trust.
        send: takes bytes for the peer.
        server_side: we are the server.
        server_name: the peer's name, where we are the client.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        send: Callable[[bytes], None],
        *,
        server_side: bool,
        server_name: str | None = None,
    ) -> None:
        self._send = send
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self._waiting = bytearray()
        self._is_open = False

    def begin(self) -> None:
        """Begin the handshake.

        Raises:
            ssl.SSLError: the peer cannot be talked to, or is not trusted; so does `receive`.
        """
        self._shake_hands()

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the peer, and return what they say."""
        self._incoming.write(data)
        if not self._is_open:
            self._shake_hands()
        said = self._read() if self._is_open else b""
        self._flush()
        return said

    def say(self, data: bytes) -> None:
        """Say something to the peer, as soon as the handshake is over."""
        self._waiting += data
        self._write()

    def end(self) -> None:
        """Say that there is no more to come (close_notify)."""
        if self._is_open:
            with contextlib.suppress(ssl.SSLError):  # the peer need not answer
                self._object.unwrap()
            self._flush()

    def _shake_hands(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        else:
            self._is_open = True
            self._write()
        finally:
            self._flush()

    def _read(self) -> bytes:
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._object.read(CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                return b"".join(pieces)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)

    def _write(self) -> None:
        if self._is_open and self._waiting:
            data, self._waiting = bytes(self._waiting), bytearray()
            self._object.write(data)
            self._flush()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._send(data)
