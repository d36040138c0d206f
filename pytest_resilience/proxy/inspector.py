"""The seam for faults at an exact message: an inspector sees a connection's bytes before they are passed on.

    client --> inspector --> upstream toxics --> server
    client <-- downstream toxics <-- inspector <-- server

A proxy with `proxy.inspect` set calls it once for every new connection, with the connection's `InspectedLink`, and
gets the `Inspector` of that connection. Without one the bytes are passed on unseen, at no cost.

How to write one:

- Nothing is passed on by itself. To pass a chunk on, call `link.to_server(data)` or `link.to_client(data)`, whole,
  in parts, rewritten, or later; to discard it, do nothing; to hold it, keep it and call `to_server` when told.
  Both may be called at any time, with bytes of your own: an error reply to the client, a ROLLBACK to the server.
  What you send keeps its order per direction, and goes through the toxics of that direction.
- The end of a side is not passed on by itself either: `client_ended` usually calls `link.end_server()`, and
  `server_ended` `link.end_client()`. A FIN travels behind the bytes sent before it. After `reset=True` (the peer
  aborted) pass it on as `link.reset_server()` or `link.reset_client()`.
- While you hold bytes, bound them: `link.pause_client()` stops reading from the client (its kernel then stops the
  sender); `resume_client()` goes on. A paused client that closes or dies is still noticed, within 0.1 s:
  `client_ended` is then called although bytes of it were never read.
- `link.close()` sends FIN to both sides, behind what was sent before. `link.abort()` sends RST to both at once.
- The link ends when both sides have been ended, by whoever; `closed` is the last call, exactly once, also when the
  proxy was disabled or deleted. After it the link's methods do nothing.
- All calls come from one thread, the event loop's; do not block in them. An exception in an inspector is logged
  with its traceback and resets both sides: a broken inspector must not look like a healthy connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class InspectedLink(Protocol):
    """What an inspector can do with its connection."""

    @property
    def number(self) -> int:
        """The connection's number at its proxy, from 1, never reused."""

    @property
    def proxy_name(self) -> str:
        """The name of the proxy that accepted the connection."""

    @property
    def client_port(self) -> int | None:
        """The client's TCP port, which ties the connection to the process that opened it."""

    def to_server(self, data: bytes) -> None:
        """Send bytes to the server, through the upstream toxics."""

    def to_client(self, data: bytes) -> None:
        """Send bytes to the client, through the downstream toxics."""

    def end_server(self) -> None:
        """Send FIN to the server behind everything sent so far; its replies keep coming."""

    def end_client(self) -> None:
        """Send FIN to the client behind everything sent so far; its requests keep coming."""

    def reset_server(self) -> None:
        """Send RST to the server behind everything sent so far (a toxic may delay that), and stop reading it."""

    def reset_client(self) -> None:
        """Send RST to the client behind everything sent so far (a toxic may delay that), and stop reading it."""

    def pause_client(self) -> None:
        """Stop reading from the client."""

    def resume_client(self) -> None:
        """Read from the client again."""

    def pause_server(self) -> None:
        """Stop reading from the server."""

    def resume_server(self) -> None:
        """Read from the server again."""

    def close(self) -> None:
        """End both sides with FIN, each behind everything sent to it so far."""

    def abort(self) -> None:
        """End both sides with RST at once; what has not been delivered is dropped."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back later, unless the link has ended by then; return what cancels it."""


class Inspector(Protocol):
    """Sees everything that one connection's two sides say, and decides what is passed on."""

    def client_data(self, data: bytes) -> None:
        """Take bytes that the client sent."""

    def server_data(self, data: bytes) -> None:
        """Take bytes that the server sent."""

    def client_ended(self, *, reset: bool) -> None:
        """Learn that the client sends no more: FIN, or RST if `reset`."""

    def server_ended(self, *, reset: bool) -> None:
        """Learn that the server sends no more: FIN, or RST if `reset`."""

    def closed(self) -> None:
        """Learn that the link is over."""


InspectorFactory = Callable[[InspectedLink], Inspector]
