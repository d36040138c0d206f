"""A loopback port that is ours from start to end, whether or not anything listens on it at the moment."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

LOOPBACK = "127.0.0.1"


class Listener:
    """Open and close a server on one port, again and again.

    A second socket stays bound to the port without listening, so that nobody else can be given the port while
    the server is closed; the kernel refuses connections then.

    Args:
        factory: makes the protocol of each connection.
    """

    def __init__(self, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        self._factory = factory
        self._holder = _bound(0)
        self._live: set[asyncio.Transport] = set()
        self._breaks = 0
        self._listening: socket.socket | None = None
        self._beginning: set[asyncio.Task[None]] = set()
        self.port: int = self._holder.getsockname()[1]

    async def open(self) -> None:
        """Listen, unless it listens already."""
        if self._listening is None:
            self._listening = _bound(self.port)
            self._listening.listen(128)
            asyncio.get_running_loop().add_reader(self._listening, self._accept, self._listening)

    async def close(self) -> None:
        """Refuse new connections and break the live ones."""
        if self._listening is not None:
            listening, self._listening = self._listening, None
            asyncio.get_running_loop().remove_reader(listening)
            # A forked child may hold a copy of the descriptor: shutdown ends the listening itself.
            with contextlib.suppress(OSError):  # macOS refuses to shut a listening socket down
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        if self._beginning:
            await asyncio.wait(self._beginning)
        self.break_connections()

    def break_connections(self) -> None:
        """Reset every live connection."""
        self._breaks += 1
        for transport in self._live:
            transport.abort()
        self._live.clear()

    async def release(self) -> None:
        """Close everything and give the port back."""
        await self.close()
        self._holder.close()

    def _accept(self, listening: socket.socket) -> None:
        """Take one connection at once: a task that waits for it could be ended with the connection in its hand."""
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # the client has left again
            connection, _ = listening.accept()
            begun = asyncio.create_task(self._begin(connection))
            self._beginning.add(begun)
            begun.add_done_callback(self._beginning.discard)

    async def _begin(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        breaks, loop = self._breaks, asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(self._factory, connection)
        if breaks != self._breaks:  # its protocol has begun already, and all were broken meanwhile
            transport.abort()
        self._live = {live for live in self._live if not live.is_closing()} | {transport}


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    bound.setblocking(False)
    return bound
