"""One direction of a connection: reads one socket, and sends what it reads through the toxics to the other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from pytest_resilience.proxy.outlet import Outlet
from pytest_resilience.proxy.sweep import Sweep
from pytest_resilience.proxy.toxics.stage import Ending, Receiver, Stage, Timer, now

READ_SIZE = 256 * 1024
"""Bytes taken from a socket at once; one buffer serves the whole process, which has one thread."""
CHUNK_SIZE = 32 * 1024
"""Bytes taken at once where toxics act on them, as in Toxiproxy."""

_BUFFER = bytearray(READ_SIZE)
_VIEW = memoryview(_BUFFER)


_ENDINGS = {7: Ending.RESET, 8: Ending.FIN}
"""TCP_CLOSE and TCP_CLOSE_WAIT, the first byte of Linux's `struct tcp_info` (include/net/tcp_states.h)."""


class Direction(StrEnum):
    """Toxiproxy's word for where the data goes."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class LaneOwner(Protocol):
    """The connection, as its two directions see it."""

    sweep: Sweep
    compat: bool

    def source_ended(self, lane: Lane) -> None:
        """The sender has said FIN."""

    def sink_ended(self, lane: Lane, ending: Ending) -> None:
        """The end has come through to the receiver."""

    def sender_gone(self, lane: Lane) -> None:
        """The sender has aborted."""

    def receiver_gone(self, lane: Lane) -> None:
        """The receiver has aborted, or takes no data any more."""

    def abort(self) -> None:
        """Reset both sides."""

    def touched(self, stage: Stage) -> None:
        """A toxic has had its effect."""


class Lane:
    """Pass one direction's data on, with back-pressure: what cannot be delivered is not read.

    Args:
        loop: the event loop.
        owner: the connection.
        direction: the direction's name.
    """

    __slots__ = (
        "_loop",
        "_noted",
        "_owner",
        "_plain",
        "_reading",
        "_recv_into",
        "_source",
        "_sweep",
        "compat",
        "direction",
        "discarding",
        "inspect",
        "opened",
        "outlet",
        "paused",
        "received",
        "source_over",
        "stages",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: LaneOwner, direction: Direction) -> None:
        self._loop = loop
        self._owner = owner
        self._sweep = owner.sweep
        self._noted = False
        self.compat = owner.compat
        self._source: socket.socket
        self._recv_into: Callable[[bytearray, int], int]
        self._reading = False
        self._plain = True
        self.direction = direction
        self.outlet = Outlet(loop, self)
        self.stages: list[Stage] = []
        self.received = 0
        self.inspect: Callable[[bytes], None] | None = None
        self.paused = False
        self.opened = False
        self.discarding = False
        self.source_over = False

    def open(self, source: socket.socket, sink: socket.socket) -> None:
        """Begin to read the one socket and to write the other, both connected and non-blocking."""
        self._source = source
        self._recv_into = source.recv_into
        self.opened = True
        self._plain = not self.stages and self.inspect is None and not self.discarding
        self.outlet.attach(sink)
        self.balance()

    def feed(self, data: bytes) -> None:
        """Send data through the toxics."""
        if self.stages:
            if not self.outlet.over:
                self.stages[0].feed(data, now())
        else:
            self.outlet.feed(data)

    def finish(self, ending: Ending) -> None:
        """End the direction, behind everything that was fed."""
        if not self.outlet.over:
            self._head.finish(ending)

    def insert(self, index: int, stage: Stage) -> None:
        """Put a stage in its place among those that act on this connection."""
        self._plain = False
        stage.next = self.stages[index] if index < len(self.stages) else self.outlet
        self.stages.insert(index, stage)
        if index:
            self.stages[index - 1].next = stage
        stage.start()

    def remove(self, stage: Stage) -> None:
        """Take a stage out, as soon as it has passed on what it holds."""
        stage.name = ""
        stage.remove()
        if not stage.held:
            self.emptied(stage)

    def emptied(self, stage: Stage) -> None:
        """Do without a stage that has been removed and holds nothing any more."""
        if stage not in self.stages:
            return
        index = self.stages.index(stage)
        del self.stages[index]
        if index:
            self.stages[index - 1].next = stage.next
        self._plain = not self.stages and self.inspect is None and not self.discarding
        self.balance()

    def balance(self) -> None:
        """Read exactly while there is room for what is read."""
        wanted = self.opened and not self.source_over and (self.discarding or not self._held_back())
        if wanted is self._reading:
            return
        self._reading = wanted
        if wanted:
            self._loop.add_reader(self._source, self._readable)
        else:
            self._loop.remove_reader(self._source)

    def discard(self) -> None:
        """Read on, only to learn of the end; pass nothing on."""
        self.discarding = True
        self._plain = False
        self.balance()

    def read_on(self) -> None:
        """Read once more, so that an error behind the data is found."""
        self._noted = False
        if self._reading:
            self._readable()

    def end_source(self) -> None:
        """Read no more."""
        self.source_over = True
        self.balance()

    def stop(self) -> None:
        """Drop everything: the receiver is gone."""
        for stage in self.stages:
            stage.stop()
        self.outlet.stop()

    def source_state(self) -> Ending | None:
        """Tell whether the sender has ended behind bytes that have not been read; None if not, or not known."""
        try:
            state = self._source.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        except OSError:  # not a TCP socket
            return None
        return _ENDINGS.get(state)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back after so many seconds."""
        return self._loop.call_later(seconds, callback)

    def reset(self) -> None:
        """Send RST to both sides at once."""
        self._owner.abort()

    def touched(self, stage: Stage) -> None:
        """Note that a toxic has had its effect on this connection."""
        self._owner.touched(stage)

    def blocked(self) -> None:
        """Stop reading: the receiver takes no more for now."""
        self.balance()

    def drained(self) -> None:
        """Read on: the receiver has taken everything."""
        self.balance()

    def ended(self, ending: Ending) -> None:
        """Tell the connection that the end has come through."""
        self._owner.sink_ended(self, ending)

    def broken(self) -> None:
        """Tell the connection that the receiver is gone."""
        self._owner.receiver_gone(self)

    @property
    def _head(self) -> Receiver:
        return self.stages[0] if self.stages else self.outlet

    def _held_back(self) -> bool:
        if self.paused or self.outlet.backlog:
            return True
        return any(stage.held >= stage.capacity for stage in self.stages)

    def _readable(self) -> None:
        if self._read() and not self._noted:
            self._noted = True
            self._sweep.note(self)

    def _read(self) -> bool:
        """Read once, so that the others have their turn; tell whether there may be more, or an error behind it."""
        try:
            count = self._recv_into(_BUFFER, CHUNK_SIZE if self.stages else READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            self._owner.sender_gone(self)
            return False
        if not count:
            self.end_source()
            self._owner.source_ended(self)
            return False
        self.received += count
        if self._plain:
            self.outlet.feed(_VIEW[:count])
        else:
            self._take(bytes(_VIEW[:count]))
        return True

    def _take(self, data: bytes) -> None:
        if self.discarding:
            return
        if self.inspect is not None:
            self.inspect(data)
        else:
            self.feed(data)
