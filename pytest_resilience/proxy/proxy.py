"""One proxy: a port, a server behind it, toxics, and the connections that pass through."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Protocol

from pytest_resilience.proxy.chain import Chain
from pytest_resilience.proxy.inspector import InspectorFactory
from pytest_resilience.proxy.link import Link
from pytest_resilience.proxy.listen import Place, resolve_listen
from pytest_resilience.proxy.port import Port
from pytest_resilience.proxy.toxics.stage import Stage

ACCEPT_BATCH = 64
"""Connections accepted before those that are open get their turn."""
ACCEPT_PAUSE = 0.1
"""Seconds to wait when the process is out of descriptors."""

_LOG = logging.getLogger(__name__)


class Settings(Protocol):
    """What all proxies of a process share."""

    seed: int
    compat: bool


class Proxy:
    """Accept connections on a port, and pass each on to the server.

    Args:
        loop: the event loop.
        settings: the seed and the mode.
        name: its name.
        listen: where it listens, as given.
        upstream: where its server is.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, settings: Settings, name: str, listen: str, upstream: str
    ) -> None:
        self._loop = loop
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.compat = settings.compat
        self.inspect: InspectorFactory | None = None
        self.links: set[Link] = set()
        self.toxics = Chain(settings.seed, name, self.links, redraw=settings.compat)
        self._accepted = 0
        self._port: Port | None = None
        self._listener: socket.socket | None = None

    @property
    def enabled(self) -> bool:
        """Whether it takes connections."""
        return self._listener is not None

    async def resolve(self, listen: str) -> Place:
        """Find where that `listen` is."""
        return await resolve_listen(self._loop, listen, default_host="" if self.compat else "127.0.0.1")

    def start(self, place: Place) -> None:
        """Take connections.

        Raises:
            PortTakenError: the port cannot be had; nothing has changed.
        """
        if self.enabled:
            return
        if self._port is None:
            self._port = Port(*place)
        self._listener = self._port.open()
        self.listen = self._port.address
        self._loop.add_reader(self._listener, self._accept)

    def stop(self) -> None:
        """Refuse connections and end those that are open; the port stays ours."""
        if self._listener is not None and self._port is not None:
            self._loop.remove_reader(self._listener)
            self._listener = None
            self._port.hold()
        for link in tuple(self.links):
            link.drop()

    def close(self) -> None:
        """Stop, and give up the port."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener = None
        for link in tuple(self.links):
            link.drop()
        if self._port is not None:
            self._port.release()
            self._port = None

    def link_opened(self, link: Link) -> None:
        """Put the toxics into a new connection."""
        self.toxics.equip(link)

    def link_closed(self, link: Link) -> None:
        """Forget a connection."""
        self.links.discard(link)

    def touched(self, link: Link, stage: Stage) -> None:
        """Note that a toxic has had its effect."""

    def _accept(self) -> None:
        listener = self._listener
        for _ in range(ACCEPT_BATCH):
            if listener is None or listener is not self._listener:
                return
            try:
                client, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause_accepting(listener, error)
                return
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._accepted += 1
            link = Link(self._loop, self, self._accepted, client, address[1])
            self.links.add(link)
            link.open()

    def _pause_accepting(self, listener: socket.socket, error: OSError) -> None:
        _LOG.error("%s: cannot accept a connection, trying again: %s", self.name, error)
        self._loop.remove_reader(listener)
        self._loop.call_later(ACCEPT_PAUSE, self._resume_accepting, listener)

    def _resume_accepting(self, listener: socket.socket) -> None:
        if listener is self._listener:
            self._loop.add_reader(listener, self._accept)
