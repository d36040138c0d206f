"""A link whose bytes are encrypted on one side or both, and plain for the inspector in between.

Source: PostgreSQL documentation, chapter 54.2.11 (SSL session encryption): a client asks first, or, since
PostgreSQL 17, begins at once; of a server the proxy asks for it.
"""

from __future__ import annotations

import logging
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass

from pytest_resilience.proxy.inspector import InspectedLink, Inspector
from pytest_resilience.proxy.wire.postgres.channel_binding import UnboundOffer
from pytest_resilience.proxy.wire.postgres.requested import GSS_REQUEST, SSL_REQUEST
from pytest_resilience.proxy.wire.tls import TlsSession

CLIENT_HELLO = b"\x16"
"""The first byte of a client that speaks TLS at once."""

_ASK_FOR_TLS = struct.pack("!II", 8, SSL_REQUEST)
_ASK_FOR_GSS = struct.pack("!II", 8, GSS_REQUEST)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Where TLS begins and ends.

    Args:
        client: what the proxy shows to clients.
        server: how the proxy judges the server.
        server_name: the name that the server's certificate must have.
        asks: PostgreSQL's way, where TLS is asked for before it begins.
    """

    client: ssl.SSLContext | None = None
    server: ssl.SSLContext | None = None
    server_name: str | None = None
    asks: bool = False


class SecureLink:
    """Stand between a link and an inspector: an `InspectedLink` for the one, an `Inspector` for the other.

    Args:
        link: the real connection.
        security: where TLS begins and ends.
        make: makes the inspector.
        failed: told why a handshake failed.
    """

    def __init__(
        self,
        link: InspectedLink,
        security: Security,
        make: Callable[[InspectedLink], Inspector],
        failed: Callable[[int, str], None],
    ) -> None:
        self.number = link.number
        self.proxy_name = link.proxy_name
        self.client_port = link.client_port
        self.pause_client, self.resume_client = link.pause_client, link.resume_client
        self.pause_server, self.resume_server = link.pause_server, link.resume_server
        self.reset_client, self.reset_server = link.reset_client, link.reset_server
        self.abort, self.call_later = link.abort, link.call_later
        self._link = link
        self._security = security
        self._failed = failed
        self._client: TlsSession | None = None
        self._server: TlsSession | None = None
        self._beginning: bytes | None = b""
        self._unbound = UnboundOffer() if security.asks and security.client is None else None
        self._server_answers = security.server is not None and security.asks
        if security.client is not None and not security.asks:
            self._encrypt_client(security.client)
        if security.server is not None:
            self._server = TlsSession(
                security.server, link.to_server, server_side=False, server_name=security.server_name
            )
            if security.asks:
                link.to_server(_ASK_FOR_TLS)
            else:
                self._guarded(self._server.begin)
        self._inspector = make(self)

    # What the link reports.

    def client_data(self, data: bytes) -> None:
        """Take bytes that the client sent."""
        if self._beginning is not None:
            data = self._begin(self._beginning + data)
        client = self._client
        if client is not None:
            self._guarded(lambda: self._show(self._inspector.client_data, client.receive(data)))
        else:
            self._show(self._inspector.client_data, data)

    def server_data(self, data: bytes) -> None:
        """Take bytes that the server sent."""
        server = self._server
        if server is None:
            self._inspector.server_data(data)
            return
        if self._server_answers:
            self._server_answers = False
            if data[:1] != b"S":
                self._fail("the server refuses TLS")
                return
            self._guarded(server.begin)
            data = data[1:]
        if data:
            self._guarded(
                lambda: self._show(self._inspector.server_data, self._offered(server.receive(data)))
            )

    def client_ended(self, *, reset: bool) -> None:
        """Learn that the client sends no more."""
        self._inspector.client_ended(reset=reset)

    def server_ended(self, *, reset: bool) -> None:
        """Learn that the server sends no more."""
        self._inspector.server_ended(reset=reset)

    def closed(self) -> None:
        """Learn that the link is over."""
        self._inspector.closed()

    # What the inspector does.

    def to_server(self, data: bytes) -> None:
        """Send bytes to the server."""
        if self._server is None:
            self._link.to_server(data)
        else:
            self._server.say(data)

    def to_client(self, data: bytes) -> None:
        """Send bytes to the client."""
        if self._client is None:
            self._link.to_client(data)
        else:
            self._client.say(data)

    def end_server(self) -> None:
        """Send FIN to the server."""
        if self._server is not None:
            self._server.end()
        self._link.end_server()

    def end_client(self) -> None:
        """Send FIN to the client."""
        if self._client is not None:
            self._client.end()
        self._link.end_client()

    def close(self) -> None:
        """End both sides with FIN."""
        for session in (self._client, self._server):
            if session is not None:
                session.end()
        self._link.close()

    def _begin(self, beginning: bytes) -> bytes:
        """Look at the client's first bytes; return those that are left, encrypted if it speaks TLS."""
        context = self._security.client
        if context is None or not self._security.asks:
            self._beginning = None
            return beginning
        while beginning.startswith(_ASK_FOR_GSS):
            self._link.to_client(b"N")
            beginning = beginning[len(_ASK_FOR_GSS) :]
        if beginning.startswith(_ASK_FOR_TLS):
            self._link.to_client(b"S")
            beginning = beginning[len(_ASK_FOR_TLS) :]
            self._encrypt_client(context)
        elif beginning.startswith(CLIENT_HELLO):
            self._encrypt_client(context)
        elif any(ask.startswith(beginning) for ask in (_ASK_FOR_GSS, _ASK_FOR_TLS)):
            self._beginning = beginning
            return b""
        self._beginning = None
        return beginning

    def _encrypt_client(self, context: ssl.SSLContext) -> None:
        self._client = TlsSession(context, self._link.to_client, server_side=True)

    def _offered(self, data: bytes) -> bytes:
        return data if self._unbound is None else self._unbound.take(data)

    def _show(self, take: Callable[[bytes], None], data: bytes) -> None:
        if data:
            take(data)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except ssl.SSLError as error:
            self._fail(f"TLS failed: {error.reason or error}")

    def _fail(self, why: str) -> None:
        _LOG.error("%s, connection %d: %s", self.proxy_name, self.number, why)
        self._failed(self.number, why)
        self._link.close()
