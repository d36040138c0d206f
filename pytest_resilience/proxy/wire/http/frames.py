"""HTTP/1.1 messages cut into heads and pieces of bodies, however the network has cut them.

The pieces, put together again, are the bytes that came. Source: RFC 9112, chapters 6 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from pytest_resilience.proxy.wire.errors import ProtocolError
from pytest_resilience.proxy.wire.http.head import Head, parse_reply, parse_request

LONGEST_HEAD = 256 * 1024
LONGEST_LINE = 8 * 1024
"""The longest line around a chunk."""


class Part(Enum):
    """What a piece is."""

    HEAD = auto()
    BODY = auto()
    END = auto()


class Piece(NamedTuple):
    """A piece of a message.

    Args:
        part: what it is.
        raw: its bytes; the end may have some, behind the last chunk.
        head: of the message.
        payload: the content in a piece of a body, without what stands around chunks.
    """

    part: Part
    raw: bytes
    head: Head
    payload: bytes = b""


class HttpReader:
    """Cut one direction into pieces.

    Args:
        parse: reads a head.
        body: returns how many bytes follow a head, -1 where chunks do, and none up to the end of the connection.
    """

    def __init__(self, parse: Callable[[bytes], Head], body: Callable[[Head], int | None]) -> None:
        self._parse_head = parse
        self._body = body
        self._buffer = b""
        self._position = 0
        self._head: Head | None = None
        self._left: int | None = 0
        self._step: Callable[[], Piece | None] = self._take_head

    @classmethod
    def of_requests(cls) -> HttpReader:
        """Make the reader of what a client says."""
        return cls(parse_request, lambda head: -1 if head.is_chunked else head.length or 0)

    @classmethod
    def of_replies(cls, has_body: Callable[[Head], bool]) -> HttpReader:
        """Make the reader of what a server says.

        Args:
            has_body: tells whether a body follows a head.
        """

        def body(head: Head) -> int | None:
            if not has_body(head):
                return 0
            return -1 if head.is_chunked else head.length

        return cls(parse_reply, body)

    @property
    def inside(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._head is not None

    def read(self, data: bytes) -> Iterator[Piece]:
        """Yield the pieces that are all there; whoever stops in the middle has to call `unread`.

        Raises:
            ProtocolError: this is not HTTP/1.
        """
        self._buffer = self.unread() + data
        while (piece := self._step()) is not None:
            yield piece

    def finish(self) -> Iterator[Piece]:
        """Yield the end of a message that ends with the connection."""
        if self._head is not None and self._left is None:
            head, self._head = self._head, None
            yield Piece(Part.END, b"", head)

    def unread(self) -> bytes:
        """Return what has not been given out, and forget it."""
        data = self._buffer[self._position :]
        self._buffer, self._position = b"", 0
        return data

    @property
    def _size(self) -> int:
        return len(self._buffer) - self._position

    def _take(self, size: int) -> bytes:
        taken = self._buffer[self._position : self._position + size]
        self._position += len(taken)
        return taken

    def _take_head(self) -> Piece | None:
        end = _head_end(self._buffer, self._position)
        if end is None:
            if self._size > LONGEST_HEAD:
                raise ProtocolError("the head does not end")
            _check_beginning(self._buffer[self._position :][:64])
            return None
        head = self._parse_head(self._buffer[self._position : end])
        self._head, self._position = head, end
        self._left = self._body(head)
        self._step = self._take_chunk_line if self._left == -1 else self._take_body
        return Piece(Part.HEAD, head.raw, head)

    def _take_body(self) -> Piece | None:
        if self._left == 0:
            return self._end(b"")
        if not self._size or self._head is None:
            return None
        raw = self._take(self._size if self._left is None else self._left)
        if self._left is not None:
            self._left -= len(raw)
        return Piece(Part.BODY, raw, self._head, raw)

    def _take_chunk_line(self) -> Piece | None:
        raw = self._take_line()
        if raw is None or self._head is None:
            return None
        digits = _CHUNK_LINE.match(raw)
        if digits is None:
            raise ProtocolError("a chunk has no length")
        size = int(digits[1], 16)
        self._left = size + 2
        self._step = self._take_chunk if size else self._take_trailer
        return Piece(Part.BODY, raw, self._head)

    def _take_chunk(self) -> Piece | None:
        left = self._left or 0
        if not self._size or self._head is None:
            return None
        raw = self._take(left)
        payload = raw[: max(0, left - 2)]
        self._left = left - len(raw)
        if not self._left:
            self._step = self._take_chunk_line
        return Piece(Part.BODY, raw, self._head, payload)

    def _take_trailer(self) -> Piece | None:
        raw = self._take_line()
        if raw is None or self._head is None:
            return None
        return Piece(Part.BODY, raw, self._head) if raw.strip() else self._end(raw)

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._position)
        if end < 0:
            if self._size > LONGEST_LINE:
                raise ProtocolError("the line of a chunk does not end")
            return None
        return self._take(end + 1 - self._position)

    def _end(self, raw: bytes) -> Piece | None:
        head, self._head = self._head, None
        self._step = self._take_head
        return None if head is None else Piece(Part.END, raw, head)


def _head_end(buffer: bytes, position: int) -> int | None:
    """Return where the head ends, behind the empty line; empty lines before it belong to it."""
    start = _NOT_EMPTY.match(buffer, position)
    if start is None:
        return None
    found = _HEAD_END.search(buffer, start.end())
    return None if found is None else found.end()


def _check_beginning(beginning: bytes) -> None:
    """Refuse early what can be no head, so that it is not waited for."""
    if not _BEGINNING.fullmatch(beginning):
        raise ProtocolError("this is not HTTP/1")


_CHUNK_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;|\r?\n)")
_NOT_EMPTY = re.compile(rb"[\r\n]*")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BEGINNING = re.compile(rb"[\r\n]*(?:[!#$%&'*+.^_`|~0-9A-Za-z/-]+(?:[ ][^\0]*)?)?", re.DOTALL)
