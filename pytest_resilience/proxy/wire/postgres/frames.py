"""PostgreSQL's messages cut out of a stream of bytes, however the network has cut it.

A message is given out when all of it is there, so that a fault can act on it before the other side has seen any of
it. Two kinds of messages are not waited for: the bulk ones (rows), and those longer than what may be held; their
beginning is given out at once, the rest as it comes. So memory stays bounded, whatever is sent.

Source: PostgreSQL documentation, chapter 54.7, and the limits of `postgres.c` (PQ_SMALL_MESSAGE_LIMIT).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pytest_resilience.proxy.wire.errors import ProtocolError

STARTUP = 1
"""The kind given to the client's first messages, which have none."""

CONTINUATION = 0
"""The kind given to the rest of a message whose beginning was given out before."""

HEADER = 5
"""Bytes of a message's kind and length."""

DATA_ROW, COPY_DATA = b"Dd"

HELD = 16 * 1024 * 1024
"""The most bytes of one message that are held back while a fault may have to act on it."""

GLANCED = 64 * 1024
"""The same while no fault is set: enough to know what the message is."""

_SMALL = 10_000
_LARGE = 0x3FFFFFFF
_LONGEST_STARTUP = 10_000
_REQUEST_LIMITS = dict.fromkeys(b"BQPdF", _LARGE) | dict.fromkeys(b"CDEHScfX", _SMALL) | {ord("p"): 65_536}
_REPLY_LIMITS = dict.fromkeys(b"RKSZTDCENnt123sIAGHWVvcd", _LARGE)
_header = struct.Struct("!BI").unpack_from
_length = struct.Struct("!I").unpack_from


class FrameReader:
    """Cut one direction into messages.

    Args:
        limits: the kinds of message that there are, and how long each may be.
        bulk: the kind that carries rows.
        startup: the first messages have no kind.
    """

    __slots__ = (
        "_bulk",
        "_carried",
        "_consumed",
        "_limits",
        "_needed",
        "_parts",
        "_rest",
        "buffer",
        "count",
        "held",
        "singly",
        "startup",
    )

    def __init__(self, limits: dict[int, int], *, bulk: frozenset[int], startup: bool) -> None:
        self._limits = limits
        self._bulk = bulk
        self._parts: list[bytes] = []
        self._carried = self._needed = self._rest = 0
        self.startup = startup
        self.held = GLANCED
        self.singly = False
        self.buffer = b""
        self._consumed = 0
        self.count = 1

    @classmethod
    def of_requests(cls) -> FrameReader:
        """Make the reader of what a client says."""
        return cls(_REQUEST_LIMITS, bulk=frozenset({COPY_DATA}), startup=True)

    @classmethod
    def of_replies(cls) -> FrameReader:
        """Make the reader of what a server says."""
        return cls(_REPLY_LIMITS, bulk=frozenset({COPY_DATA, DATA_ROW}), startup=False)

    @property
    def is_between(self) -> bool:
        """Whether what comes next begins with the kind of a message."""
        waits = self.startup or self._rest or self._carried
        return not waits and self._consumed == len(self.buffer)

    @property
    def unfinished(self) -> bool:
        """Whether the rest of a message that was given out is still to come."""
        return self._rest > 0

    def read(self, data: bytes) -> Iterator[tuple[int, int, int]]:
        """Yield kind, start and end, in `buffer`, of each message; for a run of bulk messages `count` says how many.

        What is behind the last one is kept for the next call, or given back by `unread`; whoever stops in the middle
        has to call that.

        Raises:
            ProtocolError: this is not PostgreSQL's protocol.
        """
        if self._carried + len(data) < self._needed:
            self._keep(data)
            return iter(())
        self.buffer = self.unread() + data
        return self._startups() if self.startup else self._messages(0)

    def _startups(self) -> Iterator[tuple[int, int, int]]:
        position = 0
        while self.startup and len(self.buffer) - position >= 4:
            (length,) = _length(self.buffer, position)
            if not 8 <= length <= _LONGEST_STARTUP:
                raise ProtocolError("the first message is no PostgreSQL start-up message")
            if position + length > len(self.buffer):
                break
            self.count, self._consumed = 1, position + length
            yield STARTUP, position, position + length
            position += length
        if not self.startup:
            yield from self._messages(position)
        elif position < len(self.buffer):
            self._keep(self.buffer[position:])

    def _messages(self, position: int) -> Iterator[tuple[int, int, int]]:
        buffer, limits, bulk = self.buffer, self._limits, self._bulk
        size = len(buffer)
        if self._rest:
            position = self._continue(size)
            yield CONTINUATION, 0, position
        while size - position >= HEADER:
            kind, length = _header(buffer, position)
            if not 4 <= length <= limits.get(kind, 0):
                raise ProtocolError(f"a message of kind 0x{kind:02x} and length {length} is not PostgreSQL's")
            self.count = 1
            end = position + 1 + length
            if end > size:
                if self._waits_for(kind, end - position, size - position):
                    break
                self._rest, end = end - size, size
            elif kind in bulk and not self.singly:
                end = self._run(kind, end)
            self._consumed = end
            yield kind, position, end
            position = end
        if position < size:
            self._keep(buffer[position:])

    def _continue(self, size: int) -> int:
        """Return where the rest of the message that was given out before ends, as far as it has come."""
        end = self._consumed = min(self._rest, size)
        self._rest -= end
        self.count = 0
        return end

    def _waits_for(self, kind: int, length: int, there: int) -> bool:
        """Tell whether more of a message has to come before it is given out."""
        patience = HEADER if kind in self._bulk and not self.singly else self.held
        if there >= patience:
            return False
        self._needed = min(length, patience)
        return True

    def give_back(self, start: int) -> bytes:
        """Return what has not been given out, and before it the last message, which began here; forget all of it."""
        self._consumed = start
        self._rest = 0
        return self.unread()

    def unread(self) -> bytes:
        """Return what has not been given out, and forget it."""
        data = b"".join(self._parts) if self._parts else self.buffer[self._consumed :]
        self._parts.clear()
        self._carried = self._needed = self._consumed = 0
        self.buffer = b""
        return data

    def _keep(self, data: bytes) -> None:
        self._parts.append(data)
        self._carried += len(data)
        self.buffer = b""
        self._consumed = 0

    def _run(self, kind: int, end: int) -> int:
        """Return where the run of messages of this kind ends, as far as they are all there."""
        buffer = self.buffer
        last = len(buffer) - HEADER
        while end <= last and buffer[end] == kind:
            following = end + 1 + _length(buffer, end + 1)[0]
            if following > len(buffer):
                break
            end = following
            self.count += 1
        return end
