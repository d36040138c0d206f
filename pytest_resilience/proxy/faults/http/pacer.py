"""Bytes let out at a rate."""

from __future__ import annotations

from collections.abc import Callable

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.proxy.faults.waiting import CallLater

TICK = 0.02
"""Seconds between two pieces, where the rate allows more than one byte in that time."""


class Pacer:
    """Let bytes out at a rate.

    Args:
        rate: bytes a second.
        send: takes them.
        call_later: the connection's timer.
        drained: told, with the pacer, when there is nothing left.
    """

    def __init__(
        self,
        rate: float,
        send: Callable[[bytes], None],
        call_later: CallLater,
        drained: Callable[[object], None],
    ) -> None:
        self._rate = rate
        self._send = send
        self._call_later = call_later
        self._drained = drained
        self._queue = b""
        self._credit = 0.0
        self._since = 0.0
        self._hurries = False
        self._cancel: Callable[[], None] | None = None
        self.over: Callable[[], None] | None = None

    def add(self, data: bytes) -> None:
        """Let these out too."""
        self._queue += data
        if self._hurries:
            self._finish()
        elif self._cancel is None:
            self._since = SYSTEM_CLOCK.monotonic()
            self._cancel = self._call_later(self._pause, self._tick)

    def hurry(self) -> None:
        """Let everything out at once from now on."""
        self._hurries = True
        if self._queue:
            self._finish()

    def end(self) -> None:
        """Learn that there is no more to come."""
        if self.over is not None:
            self.over()

    @property
    def _pause(self) -> float:
        return max(TICK, (1.0 - self._credit) / self._rate)

    def _tick(self) -> None:
        self._cancel = None
        now = SYSTEM_CLOCK.monotonic()
        self._credit += (now - self._since) * self._rate
        self._since = now
        count = min(int(self._credit), len(self._queue))
        self._credit -= count
        piece, self._queue = self._queue[:count], self._queue[count:]
        if piece:
            self._send(piece)
        if self._queue:
            self._cancel = self._call_later(self._pause, self._tick)
        else:
            self._credit = min(self._credit, 1.0)
            self._drained(self)

    def _finish(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        data, self._queue = self._queue, b""
        self._send(data)
        self._drained(self)
