"""One direction of an HTTP connection: what requests and replies have in common."""

from __future__ import annotations

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.faulty_stream import FaultyStream, Stopped
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.wire.http.frames import HttpReader, Part, Piece
from pytest_resilience.proxy.wire.http.head import Head


class HttpStream(FaultyStream):
    """Pass messages on, piece by piece.

    Args:
        conversation: the connection.
        plumbing: where the bytes go.
        reader: cuts them into pieces.
    """

    def __init__(self, conversation: Conversation, plumbing: Plumbing, reader: HttpReader) -> None:
        super().__init__(conversation, plumbing)
        self._reader = reader
        self._passed: list[bytes] = []
        self._skips = False
        self._limit: int | None = None

    def _unread(self) -> bytes:
        return self._reader.unread()

    def _parse(self, data: bytes) -> None:
        try:
            for piece in self._reader.read(data):
                self._take_piece(piece)
                if self.is_blocked or self._conversation.over or self._conversation.opaque:
                    break
        finally:
            self._flush()
        if self.is_blocked:
            self._keep_unread()
        elif self._conversation.opaque:
            self._send(self._unread())

    def _take_piece(self, piece: Piece) -> None:
        if piece.part is Part.HEAD:
            self._skips = self.dropping
            if not self.dropping:
                self._begin(piece)
            return
        self._go_on(piece)
        if piece.part is Part.END:
            self._finished()
            self._skips = False

    def _begin(self, piece: Piece) -> None:
        """Take the head of a message."""
        raise NotImplementedError

    def _go_on(self, piece: Piece) -> None:
        """Take more of a message."""
        if self._skips:
            return
        if self._limit is None:
            self._pass(piece.raw)
            return
        self._pass(piece.raw[: self._limit])
        self._limit -= len(piece.raw)
        if self._limit <= 0 or piece.part is Part.END:
            self._flush()
            self._conversation.cut()

    def _finished(self) -> None:
        """Learn that the message is over."""
        raise NotImplementedError

    def _pass(self, data: bytes) -> None:
        """Send at the latest when all that has come is looked at."""
        if data:
            self._passed.append(data)

    def _flush(self) -> None:
        data, self._passed = b"".join(self._passed), []
        self._send(data)

    def _truncate(self, size: int, stopped: Stopped) -> None:
        self._send(stopped.data[:size])
        if size <= len(stopped.data) or not self._reader.inside:
            self._conversation.cut()
            return
        self._limit = size - len(stopped.data)
        self.unblock(stopped)

    def _skip_rest(self) -> None:
        """Pass no more of this message on."""
        self._skips = self._reader.inside

    def _trace(
        self, direction: str, message: str, path: str | None, head: Head, mark: str | None = None
    ) -> None:
        watch = self._conversation.watch
        size = len(head.raw) + (head.length or 0)
        number = self._conversation.link.number
        watch.trace.write((watch.books.now(), number, direction, message, path, size, 1, mark, None))
