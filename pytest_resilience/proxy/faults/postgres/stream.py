"""One direction of a PostgreSQL connection: what requests and replies have in common.

While no fault is armed, what came is passed on as it came, and only followed: this is the path that has to be quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.faulty_stream import FaultyStream
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.postgres.points import PostgresPoints
from pytest_resilience.proxy.faults.postgres.shared import PostgresShared
from pytest_resilience.proxy.faults.trace import Entry
from pytest_resilience.proxy.wire.postgres.frames import CONTINUATION, HEADER, STARTUP, FrameReader
from pytest_resilience.proxy.wire.postgres.layout import Layouts
from pytest_resilience.proxy.wire.postgres.requested import Subject
from pytest_resilience.proxy.wire.postgres.session import PostgresSession

Change = Callable[[PostgresSession, bytes, int, int], Subject]
Tell = Callable[[Subject, bytes, int, int], str | None]
Followed = tuple[Change | None, Tell | None]
"""What notes the change that a message makes, and what tells the trace of it."""
Frame = tuple[int, int, int, int, Change | None, Tell | None]
"""A message's kind and size, where what it carries begins and ends, and how it is followed."""

UNFOLLOWED: Followed = (None, None)


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
    followed: ClassVar[Mapping[int, Followed]]
    layouts: ClassVar[Layouts[Frame]]

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
        self._watch = conversation.watch
        self._number = conversation.link.number
        self._is_between = False
        self._reader = reader
        self._sent = 0
        self._drops_rest = False

    def _look_around(self) -> bool:
        """Return whether messages have to be looked at one by one."""
        raise NotImplementedError

    def _look(self, kind: int, start: int, end: int, at: float) -> bool:
        """Look at one message; return whether the next one may be looked at."""
        raise NotImplementedError

    def _begin(self, start: int, end: int, at: float) -> bool:
        """Look at a message without a kind; return whether the next one may be looked at."""
        raise NotImplementedError

    def _unread(self) -> bytes:
        self._is_between = False
        return self._reader.unread()

    def take(self, data: bytes) -> None:
        """Take what the sender says; where no fault was ever armed most of it only has to be followed."""
        if self._is_between and not self._watch.was_armed and not self._session.skipping:
            layout = self.layouts.of(data)
            if layout is not None:
                self._follow(layout.frames, data)
                return
        super().take(data)

    def _follow(self, frames: Sequence[Frame], data: bytes) -> None:
        session, number, direction, watch = self._session, self._number, self.direction, self._watch
        at = watch.books.now()
        self._plumbing.send(data)  # no answer can come before this returns to the loop
        entries: list[Entry] = []
        for kind, size, start, end, change, tell in frames:
            subject = None if change is None else change(session, data, start, end)
            text = None if tell is None else tell(subject, data, start, end)
            entries.append((at, number, direction, kind, text, size, 1, session.transaction, None))
        watch.trace.extend(entries)

    def _parse(self, data: bytes) -> None:
        reader, session, number, direction = self._reader, self._session, self._number, self.direction
        watch = self._watch
        watchful = self._look_around() or self._drops_rest
        began = self._is_between and not watchful
        at = watch.books.now()
        entries: list[Entry] = []
        self._sent = end = 0
        buffer = b""
        try:
            for kind, start, end in reader.read(data):
                buffer = reader.buffer
                if watchful or kind <= STARTUP:
                    if not self._consider(kind, start, end, at):
                        break
                else:
                    change, tell = self.followed.get(kind, UNFOLLOWED)
                    subject = None if change is None else change(session, buffer, start + HEADER, end)
                    text = None if tell is None else tell(subject, buffer, start + HEADER, end)
                    count, status = reader.count, session.transaction
                    entries.append((at, number, direction, kind, text, end - start, count, status, None))
        finally:
            watch.trace.extend(entries)
            self._send(buffer[self._sent : end])
        if self.is_blocked:
            self._keep_unread()
        self._is_between = reader.is_between and not self._conversation.opaque
        if began and self._is_between and end == len(data):
            self._learn(entries)

    def _learn(self, entries: Sequence[Entry]) -> None:
        """Keep how a segment of whole messages was laid out, if none of them came in a run."""
        frames: list[Frame] = []
        position = 0
        for _, _, _, kind, _, size, count, _, _ in entries:
            if count != 1 or not isinstance(kind, int):
                return
            frames.append(
                (kind, size, position + HEADER, position + size, *self.followed.get(kind, UNFOLLOWED))
            )
            position += size
        self.layouts.learn(position, [(kind, size) for kind, size, *_ in frames], frames)

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
