"""The control API's HTTP server: one request of a connection after the other, each answered by one handler."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from email.utils import formatdate
from typing import Protocol, cast

from pytest_resilience.proxy.http_message import (
    BadRequestError,
    Request,
    RequestParser,
    Response,
    encode_chunk,
    encode_error,
    encode_head,
)


class Handler(Protocol):
    """Answer requests."""

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""

    def reads_body(self, request: Request) -> bool:
        """Tell by its head alone whether the body of a request will be read."""


MAX_WAITING = 1024 * 1024
"""Bytes of pipelined requests that may wait while one is answered."""
IDLE_TIMEOUT = 60.0
"""Seconds that a connection may be silent between two requests, as in Toxiproxy."""

_LOG = logging.getLogger(__name__)


class HttpConnection(asyncio.Protocol):
    """Serve one connection of a client.

    Args:
        handler: answers requests.
        connections: the open ones; this one adds and removes itself.
    """

    def __init__(self, handler: Handler, connections: set[HttpConnection]) -> None:
        self._handler = handler
        self._connections = connections
        self._parser = RequestParser()
        self._transport: asyncio.Transport
        self._serving: asyncio.Task[None] | None = None
        self._streaming = False
        self._ended = False
        self._idle: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._wait_idle()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the client may go when it likes
        """End."""
        self._connections.discard(self)
        self._stop_idle()
        self._writable.set()
        if self._serving is not None:
            self._serving.cancel()

    def pause_writing(self) -> None:
        """Wait: the client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Take bytes of requests."""
        self._parser.feed(data)
        if self._serving is None:
            self._next()
        elif self._parser.waiting > MAX_WAITING:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Answer what has been asked, and then close; a stream ends at once."""
        self._ended = True
        return self._serving is not None and not self._streaming

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _next(self) -> None:
        try:
            request = self._parser.next_request() or self._without_body()
        except BadRequestError as error:
            self._transport.write(encode_error(error))
            self._transport.close()
            return
        if request is not None:
            self._stop_idle()
            self._serving = asyncio.get_running_loop().create_task(self._serve(request))
        elif self._ended:
            self._transport.close()
        else:
            if self._parser.waiting_head is not None:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._wait_idle()

    def _without_body(self) -> Request | None:
        """Return a request whose client waits to be asked for a body that nobody reads; it is the last one."""
        head = self._parser.waiting_head
        return None if head is None or self._handler.reads_body(head) else replace(head, keep_alive=False)

    async def _serve(self, request: Request) -> None:
        try:
            await self._answer(request)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the server
            _LOG.exception("no answer to %s %s", request.method, request.path)
            self._transport.abort()
        finally:
            self._serving = None
        if self._transport.is_closing():
            return
        if request.keep_alive:
            self._transport.resume_reading()
            self._next()
        else:
            self._transport.close()

    async def _answer(self, request: Request) -> None:
        response = await self._handler(request)
        head = encode_head(response, request, date=formatdate(usegmt=True))
        self._transport.write(head if request.method == "HEAD" else head + response.body)
        if response.stream is None:
            return
        self._streaming = True
        async for chunk in response.stream:
            if chunk:
                self._transport.write(encode_chunk(chunk))
                await self._writable.wait()
        self._transport.write(encode_chunk(b""))
        self._streaming = False

    def _wait_idle(self) -> None:
        self._stop_idle()
        self._idle = asyncio.get_running_loop().call_later(IDLE_TIMEOUT, self._transport.close)

    def _stop_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


class HttpServer:
    """Listen, serve, and end with every connection closed.

    Args:
        handler: answers requests.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._connections: set[HttpConnection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Begin to serve; return the address.

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._handler, self._connections), host, port
        )
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        if self._server is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 1.0)
