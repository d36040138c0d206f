"""One direction of a PostgreSQL connection: what requests and replies have in common.

While no fault is armed, what came is passed on as it came, and only followed: this is the path that has to be quick.
"""

from __future__ import annotations

from typing import ClassVar

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.faulty_stream import FaultyStream
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.postgres.points import PostgresPoints
from pytest_resilience.proxy.faults.postgres.shared import PostgresShared
from pytest_resilience.proxy.faults.trace import Entry
from pytest_resilience.proxy.wire.postgres.frames import CONTINUATION, STARTUP, FrameReader


class PostgresStream(FaultyStream):
    """Pass messages on.

    Args:
        conversation: the connection.
        plumbing: where the bytes go.
        shared: what the other direction knows too.
        points: makes fault points.
        reader: cuts the bytes into messages.
    """

    direction: ClassVar[str]

    def __init__(
        self,
        conversation: Conversation,
        plumbing: Plumbing,
        shared: PostgresShared,
        points: PostgresPoints,
        reader: FrameReader,
    ) -> None:
        super().__init__(conversation, plumbing)
        self._shared = shared
        self._session = shared.session
        self._points = points
        self._number = conversation.link.number
        self._reader = reader
        self._sent = 0
        self._drops_rest = False

    def _look_around(self) -> bool:
        """Return whether messages have to be looked at one by one."""
        raise NotImplementedError

    def _follow(self, kind: int, buffer: bytes, start: int, end: int) -> str | None:
        """Note what a message changes; return what the trace says of it."""
        raise NotImplementedError

    def _look(self, kind: int, start: int, end: int, at: float) -> bool:
        """Look at one message; return whether the next one may be looked at."""
        raise NotImplementedError

    def _begin(self, start: int, end: int, at: float) -> bool:
        """Look at a message without a kind; return whether the next one may be looked at."""
        raise NotImplementedError

    def _unread(self) -> bytes:
        return self._reader.unread()

    def _parse(self, data: bytes) -> None:
        reader, session, number, direction = self._reader, self._session, self._number, self.direction
        watch = self._conversation.watch
        watchful = self._look_around() or self._drops_rest
        at = watch.books.now()
        followed: list[Entry] = []
        self._sent = end = 0
        buffer = b""
        try:
            for kind, start, end in reader.read(data):
                buffer = reader.buffer
                if watchful or kind <= STARTUP:
                    if not self._consider(kind, start, end, at):
                        break
                else:
                    text = self._follow(kind, buffer, start + 5, end)
                    count, status = reader.count, session.transaction
                    followed.append((at, number, direction, kind, text, end - start, count, status, None))
        finally:
            watch.trace.extend(followed)
            self._send(buffer[self._sent : end])
        if self.is_blocked:
            self._keep_unread()

    def _consider(self, kind: int, start: int, end: int, at: float) -> bool:
        if kind == STARTUP:
            return self._begin(start, end, at)
        if kind != CONTINUATION:
            return self._look(kind, start, end, at)
        self._continue(start, end)
        return True

    def _continue(self, _start: int, end: int) -> None:
        """Take more of a message whose beginning has been looked at."""
        if self._drops_rest:
            self._discard(end)

    def _trace(self, at: float, message: int | str, text: str | None, size: int) -> None:
        count, status = self._reader.count, self._session.transaction
        entry = (at, self._number, self.direction, message, text, size, count, status, None)
        self._conversation.watch.trace.write(entry)

    def _take_out(self, start: int, end: int) -> bytes:
        """Pass on what stands before a message, and return it."""
        buffer = self._reader.buffer
        self._send(buffer[self._sent : start])
        self._sent = end
        return buffer[start:end]

    def _discard(self, end: int) -> None:
        """Pass this message on no further, what is there of it and what is still to come."""
        self._sent = end
        self._drops_rest = self._reader.unfinished
