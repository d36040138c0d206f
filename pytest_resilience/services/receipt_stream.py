"""The engine's receipts as they are written, one after the other, until the reader closes."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

from pytest_resilience.services.toxiproxy_client import EngineSilentError

SILENCE = 10.0
"""Seconds without a sign of life after which the engine hangs; it gives one a second."""


class ReceiptStream:
    """Follow the receipts of an engine; made where one wants to begin, so that none in between is missed.

    Args:
        host, port: the engine's address.
    """

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=SILENCE)
        self._closed = False
        try:
            self._connection.request("GET", "/resilience/receipts")
            seen = json.loads(self._connection.getresponse().read())["next"]
            self._connection.request("GET", f"/resilience/receipts?stream=1&since={seen}")
            self._socket = self._connection.sock  # the client lets go of it, where it is told to close
            self._reply = self._connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EngineSilentError(
                f"the proxy engine at {host}:{port} shows no receipts: {error}"
            ) from error

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each receipt; ends when the stream is closed.

        Raises:
            EngineSilentError: the engine is gone.
        """
        try:
            while line := self._line():
                if line.strip():
                    yield json.loads(line)
        finally:
            self._connection.close()
        if not self._closed:
            raise EngineSilentError("the proxy engine has ended the stream of receipts")

    def close(self) -> None:
        """End the stream, from any thread; safe to call twice."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # its reader closes it

    def _line(self) -> bytes:
        try:
            return self._reply.readline()
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._closed:
                return b""
            raise EngineSilentError(f"the proxy engine shows no receipts any more: {error}") from error
