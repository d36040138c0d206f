"""What an inspector can do with its connection, and what it is told: the other side of `inspector.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_resilience.proxy.inspector import Inspector, InspectorFactory
from pytest_resilience.proxy.lane import Lane
from pytest_resilience.proxy.toxics.stage import Ending

if TYPE_CHECKING:
    from pytest_resilience.proxy.link import Link

WATCH_INTERVAL = 0.1
"""Seconds between two looks at a peer that is not being read."""

_LOG = logging.getLogger(__name__)


class Inspection:
    """Stand between an inspector and its link: an `InspectedLink`.

    Args:
        link: the connection.
        proxy_name: the name of its proxy.
        factory: makes the inspector.
    """

    def __init__(self, link: Link, proxy_name: str, factory: InspectorFactory) -> None:
        self.number = link.number
        self.client_port = link.client_port
        self.proxy_name = proxy_name
        self.to_server: Callable[[bytes], None] = link.upstream.feed
        self.to_client: Callable[[bytes], None] = link.downstream.feed
        self._link = link
        self._factory = factory
        self._inspector: Inspector | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    # What the link reports.

    def open(self) -> None:
        """Make the inspector, and show it what comes from now on."""
        self._link.upstream.inspect = self._link.downstream.inspect = _ignore
        self._guarded(self._make)

    def ended(self, lane: Lane, *, reset: bool) -> None:
        """Tell of the end of a side."""
        if self._inspector is not None:
            inspector = self._inspector
            tell = inspector.client_ended if lane is self._link.upstream else inspector.server_ended
            self._guarded(lambda: tell(reset=reset))

    def closed(self) -> None:
        """Tell that the link is over."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._inspector is not None:
            inspector, self._inspector = self._inspector, None
            self._link.upstream.inspect = self._link.downstream.inspect = _ignore
            self._guarded(inspector.closed)

    # What the inspector does.

    def end_server(self) -> None:
        """Send FIN to the server behind everything sent so far."""
        self._link.upstream.finish(Ending.FIN)

    def end_client(self) -> None:
        """Send FIN to the client behind everything sent so far."""
        self._link.downstream.finish(Ending.FIN)

    def reset_server(self) -> None:
        """Send RST to the server behind everything sent so far."""
        self._link.upstream.finish(Ending.RESET)

    def reset_client(self) -> None:
        """Send RST to the client behind everything sent so far."""
        self._link.downstream.finish(Ending.RESET)

    def pause_client(self) -> None:
        """Stop reading from the client."""
        self._pause(self._link.upstream)

    def resume_client(self) -> None:
        """Read from the client again."""
        self._resume(self._link.upstream)

    def pause_server(self) -> None:
        """Stop reading from the server."""
        self._pause(self._link.downstream)

    def resume_server(self) -> None:
        """Read from the server again."""
        self._resume(self._link.downstream)

    def close(self) -> None:
        """End both sides with FIN, each behind everything sent to it so far."""
        for lane in (self._link.upstream, self._link.downstream):
            lane.discard()
            lane.finish(Ending.FIN)

    def abort(self) -> None:
        """End both sides with RST at once."""
        self._link.abort()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back later, unless the link has ended by then."""
        if self._link.over:
            return lambda: None

        def run() -> None:
            self._timers.discard(timer)
            self._guarded(callback)

        def cancel() -> None:
            timer.cancel()
            self._timers.discard(timer)

        timer = self._link.loop.call_later(seconds, run)
        self._timers.add(timer)
        return cancel

    def _make(self) -> None:
        self._inspector = inspector = self._factory(self)
        self._link.upstream.inspect = self._shown(inspector.client_data)
        self._link.downstream.inspect = self._shown(inspector.server_data)

    def _shown(self, show: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return what shows data."""

        def take(data: bytes) -> None:
            try:
                show(data)
            except Exception:  # noqa: BLE001 - inspectors are other people's code
                self._broken()

        return take

    def _guarded(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception:  # noqa: BLE001 - inspectors are other people's code
            self._broken()

    def _broken(self) -> None:
        """Let a broken inspector look like a broken connection, and tell why."""
        _LOG.exception("inspector of %s, connection %d, failed; reset", self.proxy_name, self.number)
        self._link.abort()

    def _pause(self, lane: Lane) -> None:
        if not lane.paused and not self._link.over:
            lane.paused = True
            lane.balance()
            self.call_later(WATCH_INTERVAL, lambda: self._watch(lane))

    def _resume(self, lane: Lane) -> None:
        lane.paused = False
        lane.balance()

    def _watch(self, lane: Lane) -> None:
        """Notice the end of a side whose bytes are not being read."""
        if not lane.paused or lane.source_over:
            return
        state = lane.source_state()
        if state is None:
            self.call_later(WATCH_INTERVAL, lambda: self._watch(lane))
        elif state is Ending.RESET:
            self._link.sender_gone(lane)
        else:
            lane.end_source()
            self._link.source_ended(lane)


def _ignore(_data: bytes) -> None:
    """Take data that nobody is there to look at."""
