"""One connection through the proxy: a client, a server, and a lane in each direction."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import Protocol

from pytest_resilience.proxy.dial import dial
from pytest_resilience.proxy.draw import Draw
from pytest_resilience.proxy.inspection import Inspection
from pytest_resilience.proxy.inspector import InspectorFactory
from pytest_resilience.proxy.lane import Direction, Lane
from pytest_resilience.proxy.sweep import Sweep
from pytest_resilience.proxy.toxics.stage import Ending, Stage

LINGER = 1.0
"""Seconds for a peer to close after we have; closing first would let the kernel send RST over our last bytes."""

_ABORT = struct.pack("ii", 1, 0)
_LOG = logging.getLogger(__name__)


class LinkOwner(Protocol):
    """The proxy, as its connections see it."""

    name: str
    upstream: str
    compat: bool
    sweep: Sweep
    inspect: InspectorFactory | None

    def link_opened(self, link: Link) -> None:
        """Put the toxics into a new connection."""

    def link_closed(self, link: Link) -> None:
        """Forget a connection."""

    def touched(self, link: Link, stage: Stage) -> None:
        """Note that a toxic has had its effect."""


class Link:
    """A connection from its acceptance to its end.

    Args:
        loop: the event loop.
        owner: the proxy that accepted it.
        number: its number at that proxy, from 1.
        client: the accepted socket, non-blocking.
        client_port: the client's port, where it has one.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owner: LinkOwner,
        number: int,
        client: socket.socket,
        client_port: int | None,
    ) -> None:
        self.loop = loop
        self.number = number
        self.client_port = client_port
        self.draws: dict[str, Draw] = {}
        self.over = False
        self.sweep = owner.sweep
        self.compat = owner.compat
        self.upstream = Lane(loop, self, Direction.UPSTREAM)
        self.downstream = Lane(loop, self, Direction.DOWNSTREAM)
        self._owner = owner
        self._client = client
        self._server: socket.socket | None = None
        self._gone: set[Lane] = set()
        self._linger: asyncio.TimerHandle | None = None
        self._inspection: Inspection | None = None
        self._dialing: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Put the toxics in place, reach the server, and begin to pass data on."""
        self._owner.link_opened(self)
        if not self.over:
            self._dialing = self.loop.create_task(self._open())

    def lane(self, direction: Direction) -> Lane:
        """Return one of the two directions."""
        return self.upstream if direction is Direction.UPSTREAM else self.downstream

    def drop(self) -> None:
        """Close both sides at once; what has not been delivered is lost."""
        if self.over:
            return
        self.over = True
        if self._dialing is not None:
            self._dialing.cancel()
        if self._linger is not None:
            self._linger.cancel()
        for lane in (self.upstream, self.downstream):
            lane.end_source()
            lane.stop()
        self._client.close()
        if self._server is not None:
            self._server.close()
        self._owner.link_closed(self)
        if self._inspection is not None:
            self._inspection.closed()

    def abort(self) -> None:
        """Send RST to both sides at once."""
        for sock in (self._client, self._server):
            if sock is not None and sock.fileno() >= 0:
                _arm_reset(sock)
        self.drop()

    # What the lanes report.

    def source_ended(self, lane: Lane) -> None:
        """Pass a sender's FIN on."""
        self._pass_on(lane, Ending.FIN)
        self._check_over()

    def sink_ended(self, lane: Lane, ending: Ending) -> None:
        """Act on an end that came through to the receiver."""
        if ending is Ending.RESET:
            self._reset_receiver(lane)
        elif ending is Ending.CLOSE or self.compat:
            self.end_both_ways(lane)
        self._check_over()

    def sender_gone(self, lane: Lane) -> None:
        """Pass the abort of a lane's sender on, and send it nothing more."""
        if self.over or lane in self._gone:
            return
        self._gone.add(lane)
        lane.end_source()
        back = self._opposite(lane)
        back.stop()
        back.discard()
        self._pass_on(lane, Ending.FIN if self.compat else Ending.RESET)
        self._check_over()

    def receiver_gone(self, lane: Lane) -> None:
        """Treat a lane's receiver as the sender of the other lane that it also is."""
        self.sender_gone(self._opposite(lane))

    def touched(self, stage: Stage) -> None:
        """Note that a toxic has had its effect."""
        self._owner.touched(self, stage)

    def end_both_ways(self, lane: Lane) -> None:
        """Take nothing more from either side; what the other lane holds still arrives, and then its FIN."""
        lane.discard()
        back = self._opposite(lane)
        back.discard()
        back.finish(Ending.FIN)

    async def _open(self) -> None:
        try:
            self._server = await dial(self.loop, self._owner.upstream)
        except (OSError, ValueError) as error:
            _LOG.info("%s: no connection to %s: %s", self._owner.name, self._owner.upstream, error)
            self._refuse()
            return
        if self._owner.inspect is not None:
            self._inspection = Inspection(self, self._owner.name, self._owner.inspect)
            self._inspection.open()
        if not self.over:
            self.upstream.open(self._client, self._server)
        if not self.over:
            self.downstream.open(self._server, self._client)

    def _refuse(self) -> None:
        """Let the client see its connection end, as if the server had closed it at once."""
        self.upstream.stop()
        self.upstream.discard()
        self.downstream.end_source()
        self.downstream.finish(Ending.FIN)
        self.upstream.open(self._client, self._client)
        self.downstream.open(self._client, self._client)
        self._check_over()

    def _opposite(self, lane: Lane) -> Lane:
        return self.downstream if lane is self.upstream else self.upstream

    def _pass_on(self, lane: Lane, ending: Ending) -> None:
        if self._inspection is not None and not lane.discarding:
            self._inspection.ended(lane, reset=ending is Ending.RESET)
        else:
            lane.finish(ending)

    def _reset_receiver(self, lane: Lane) -> None:
        """Send RST to one side; without an inspector that keeps the other side, that is the end of both."""
        back = self._opposite(lane)
        back.end_source()
        self._gone.add(back)
        sock = self._server if lane is self.upstream else self._client
        if sock is not None:
            _arm_reset(sock)
            sock.close()
        if self._inspection is None or lane in self._gone:
            self.drop()

    def _check_over(self) -> None:
        """End the link when both sides have been told; wait a little for those that have not answered."""
        if self.over or not (self.upstream.outlet.over and self.downstream.outlet.over):
            return
        if self.upstream.source_over and self.downstream.source_over:
            self.drop()
        elif self._linger is None:
            self.upstream.discard()
            self.downstream.discard()
            self._linger = self.loop.call_later(LINGER, self.drop)


def _arm_reset(sock: socket.socket) -> None:
    """Let the socket's close send RST instead of FIN: linger on, for no time."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
