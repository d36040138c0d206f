"""One proxy: a port, a server behind it, toxics, and the connections that pass through."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import NamedTuple

from pytest_resilience.proxy.chain import Chain
from pytest_resilience.proxy.inspector import InspectorFactory
from pytest_resilience.proxy.link import Link
from pytest_resilience.proxy.listen import ListenError, Place, resolve_listen
from pytest_resilience.proxy.meter import Meter
from pytest_resilience.proxy.port import Port, PortTakenError
from pytest_resilience.proxy.settings import Settings
from pytest_resilience.proxy.sweep import Sweep
from pytest_resilience.proxy.touch import Touches
from pytest_resilience.proxy.toxics.stage import Stage

ACCEPT_BATCH = 64
"""Connections accepted before those that are open get their turn."""
ACCEPT_PAUSE = 0.1
"""Seconds to wait when the process is out of descriptors."""

LOOPBACK = Place(socket.AF_INET, "127.0.0.1", 0, "127.0.0.1")
"""Where a proxy listens that was not told where: Toxiproxy would be open to the network."""

_LOG = logging.getLogger(__name__)


class Addresses(NamedTuple):
    """What a proxy is called, where it listens, and where its server is, all as given."""

    name: str
    listen: str
    upstream: str


class Proxy:
    """Accept connections on a port, and pass each on to the server.

    Args:
        loop: the event loop.
        settings: the seed and the mode.
        meter: counts the bytes.
        addresses: name, port and server.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, settings: Settings, meter: Meter, addresses: Addresses
    ) -> None:
        self._loop = loop
        self._meter = meter
        self.name, self.listen, self.upstream = addresses
        self.compat = settings.compat
        self.sweep = Sweep(loop)
        self.inspect: InspectorFactory | None = None
        self.links: set[Link] = set()
        self.toxics = Chain(settings.seed, self.name, self.links, redraw=settings.compat)
        self.touches = Touches()
        self.accepted = 0
        self._port: Port | None = None
        self._listener: socket.socket | None = None

    @property
    def enabled(self) -> bool:
        """Whether it takes connections."""
        return self._listener is not None

    async def resolve(self, listen: str) -> Place:
        """Find where that `listen` is.

        Raises:
            ListenError: it makes no sense.
        """
        if not listen and not self.compat:
            return LOOPBACK
        return await resolve_listen(self._loop, listen)

    async def resolve_to_start(self) -> Place:
        """Find where this proxy listens.

        Raises:
            ListenError: that makes no sense; the text is the one of a failed start.
        """
        try:
            return await self.resolve(self.listen)
        except ListenError as error:
            raise ListenError(f"listen tcp: {error}") from error

    def differs(self, place: Place, upstream: str) -> bool:
        """Tell whether those addresses are others than the proxy's."""
        return self._is_elsewhere(place) or upstream != self.upstream

    def start(self, place: Place) -> None:
        """Take connections.

        Raises:
            PortTakenError: the port cannot be had; nothing has changed.
        """
        if self.enabled:
            return
        if self._port is None:
            self._port = Port(place)
        self._listen_on(self._port)

    def stop(self) -> None:
        """Refuse connections and end those that are open; if strict, a port that was drawn stays ours."""
        if self._listener is not None and self._port is not None:
            self._stop_listening()
            if self._port.drawn and not self.compat:
                self._hold_port(self._port)
            else:
                self._give_up_port()
        self.drop_links()

    def change(self, place: Place, listen: str, upstream: str, *, enabled: bool) -> None:
        """Change addresses and state; other addresses end all connections, and keep the toxics.

        Args:
            place: where to listen.
            listen: the same, as it was given.
            upstream: where the server is.
            enabled: whether to take connections then.

        Raises:
            PortTakenError: the port cannot be had; nothing has changed (but see `compat`).
        """
        differs = self.differs(place, upstream)
        if not self.compat:
            self._take_port(place, listen, enabled=enabled)
        elif differs:
            self._give_up_port()
            self.listen = listen
        if differs:
            self.upstream = upstream
            self.drop_links()
        if enabled:
            self.start(place)
        else:
            self.stop()

    def drop_links(self) -> None:
        """End all connections at once."""
        for link in tuple(self.links):
            link.drop()

    def close(self) -> None:
        """Stop, and give up the port."""
        self._give_up_port()
        self.drop_links()

    def link_opened(self, link: Link) -> None:
        """Put the toxics into a new connection."""
        self._meter.opened(link, proxy=self.name, listener=self.listen, upstream=self.upstream)
        self.toxics.equip(link)

    def link_closed(self, link: Link) -> None:
        """Forget a connection."""
        self.links.discard(link)
        self._meter.closed(link)

    def touched(self, link: Link, stage: Stage) -> None:
        """Note that a toxic has had its effect."""
        self.touches.note(stage.name, link.number, link.client_port)

    def _is_elsewhere(self, place: Place) -> bool:
        """Tell whether that is not where the proxy listens; to Toxiproxy `:80` and `[::]:80` are two places."""
        return self.listen != place.spelling and (self.compat or self.listen != place.address)

    def _take_port(self, place: Place, listen: str, *, enabled: bool) -> None:
        """Listen there if enabled; where that cannot be, nothing has changed."""
        if self._is_elsewhere(place):
            self._move_port(place, listen, enabled=enabled)
        if enabled:
            self.start(place)

    def _move_port(self, place: Place, listen: str, *, enabled: bool) -> None:
        """Take the new port before the old one is given up, unless they are the same number."""
        old, was_enabled = self._port, self.enabled
        same = old if old is not None and old.number == place.port else None
        if same is not None:
            self._give_up_port()
        try:
            new = Port(place, drawn=same is not None and same.drawn) if enabled else None
        except PortTakenError:
            self._take_back(old, enabled=was_enabled)
            raise
        self._give_up_port()
        self.listen = listen
        self._port = new

    def _take_back(self, port: Port | None, *, enabled: bool) -> None:
        """Be again where we were before a move that failed."""
        if port is None or self._port is port:
            return
        port.take_again()
        self._port = port
        if enabled:
            self._listen_on(port)

    def _hold_port(self, port: Port) -> None:
        try:
            port.hold()
        except PortTakenError as error:
            _LOG.warning("%s: cannot keep its port while disabled: %s", self.name, error)
            self._give_up_port()

    def _give_up_port(self) -> None:
        self._stop_listening()
        if self._port is not None:
            self._port.release()
            self._port = None

    def _listen_on(self, port: Port) -> None:
        self._listener = port.open()
        self.listen = port.address
        self._loop.add_reader(self._listener, self._accept)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener = None

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
            self.accepted += 1
            link = Link(self._loop, self, self.accepted, client, address[1])
            self.links.add(link)
            link.open()

    def _pause_accepting(self, listener: socket.socket, error: OSError) -> None:
        _LOG.error("%s: cannot accept a connection, trying again: %s", self.name, error)
        self._loop.remove_reader(listener)
        self._loop.call_later(ACCEPT_PAUSE, self._resume_accepting, listener)

    def _resume_accepting(self, listener: socket.socket) -> None:
        if listener is self._listener:
            self._loop.add_reader(listener, self._accept)
