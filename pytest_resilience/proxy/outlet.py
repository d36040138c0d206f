"""The writing half of a socket: sends at once what the kernel takes, keeps the rest, and ends in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from pytest_resilience.proxy.toxics.stage import Ending


class OutletOwner(Protocol):
    """Learns what happens at an outlet."""

    def blocked(self) -> None:
        """The peer takes no more for now."""

    def drained(self) -> None:
        """Everything has been handed to the kernel again."""

    def ended(self, ending: Ending) -> None:
        """The end has come through; a FIN has been sent for it, unless it is a reset."""

    def broken(self) -> None:
        """The peer does not take data any more."""


class Outlet:
    """Send what one direction delivers; nothing is ever reordered.

    Args:
        loop: the event loop.
        owner: learns when everything is sent, when the end came through, and when the peer is gone.
    """

    __slots__ = ("_ending", "_loop", "_owner", "_send", "_sock", "backlog", "over", "sent")

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: OutletOwner) -> None:
        self._loop = loop
        self._owner = owner
        self._ending: Ending | None = None
        self._sock: socket.socket
        self._send: Callable[[bytes | bytearray | memoryview], int] | None = None
        self.backlog = bytearray()
        self.sent = 0
        self.over = False

    def attach(self, sock: socket.socket) -> None:
        """Begin to send, to a connected, non-blocking socket; what was fed before goes first."""
        self._sock = sock
        self._send = sock.send
        waiting, self.backlog = self.backlog, bytearray()
        ending, self._ending = self._ending, None
        if waiting:
            self.feed(waiting)
        if ending is not None:
            self.finish(ending)

    def feed(self, data: bytes | bytearray | memoryview, at: float = 0.0) -> None:  # noqa: ARG002 - the age matters to toxics only
        """Send the data, or keep what the kernel does not take."""
        if self.over or self._ending is not None:
            return
        if self.backlog or self._send is None:
            self.backlog += data
            return
        try:
            count = self._send(data)
        except (BlockingIOError, InterruptedError):
            count = 0
        except OSError:
            self._break()
            return
        self.sent += count
        if count < len(data):
            self.backlog += data[count:]
            self._loop.add_writer(self._sock, self._writable)
            self._owner.blocked()

    def finish(self, ending: Ending) -> None:
        """End behind everything that was fed; a reset does not wait for a peer that reads nothing."""
        if self.over or self._ending is not None:
            return
        self._ending = ending
        if self._send is None:
            return
        if not self.backlog or ending is Ending.RESET:
            self._end()

    def stop(self) -> None:
        """Send nothing more."""
        self.over = True
        if self.backlog and self._send is not None:
            self._loop.remove_writer(self._sock)
        self.backlog.clear()

    def _writable(self) -> None:
        try:
            count = self._sock.send(self.backlog)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._break()
            return
        self.sent += count
        del self.backlog[:count]
        if self.backlog:
            return
        self._loop.remove_writer(self._sock)
        if self._ending is not None:
            self._end()
        else:
            self._owner.drained()

    def _end(self) -> None:
        ending = self._ending or Ending.FIN
        self.stop()
        if ending is not Ending.RESET:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:
                self._owner.broken()
                return
        self._owner.ended(ending)

    def _break(self) -> None:
        self.stop()
        self._owner.broken()
