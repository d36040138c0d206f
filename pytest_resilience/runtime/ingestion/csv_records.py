"""Find where CSV records end, at nearly the speed of memory: a newline ends one unless it stands inside quotes.

A quote anywhere in a field opens or closes quoting, as PostgreSQL's COPY sees it, so that both sides agree
on what a record is. What else stands in a field is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_resilience.errors import FatalError

BLOCK = 1 << 16
"""Bytes that are read, looked through and sent at once: few enough to stay in a processor's cache meanwhile."""
LARGEST_BATCH = 1 << 24
"""Bytes after which a batch ends early: memory stays small however long the rows are."""
LONGEST_RECORD = 1 << 24
"""Bytes; a record beyond that is a quote that was never closed."""
END_OF_DATA = b"\\."
"""A line that servers before PostgreSQL 18 take for the end of the data."""


class Stream(Protocol):
    """What is read."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two records: bytes and lines before it."""

    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One record without its line end, and the lines on which it begins and ends (from 1)."""

    text: bytes
    line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Whole records, as they stand in the file.

    Args:
        blocks: their bytes.
        start: the place where they begin.
        ends: how many of them there are, blank lines included.
        quoted_newlines: whether newlines stand inside quotes, so that lines are not records.
        is_last: whether nothing follows.
    """

    blocks: Sequence[bytes]
    start: Position
    ends: int
    quoted_newlines: bool
    is_last: bool

    @property
    def raw(self) -> bytes:
        """Their bytes, in one piece."""
        return b"".join(self.blocks)

    @property
    def quotes(self) -> bool:
        """Whether a quote stands among them."""
        return any(b'"' in block for block in self.blocks)

    def at_once(self) -> Sequence[bytes] | None:
        """Return the records as COPY takes them, or None if that takes a look at each of them.

        A blank line among them is no record, but COPY complains of it, unless the table has a single column.
        """
        if self.quoted_newlines or any(b"\\" in block for block in self.blocks):
            return None
        ended = self.blocks if self.blocks[-1].endswith(b"\n") else [*self.blocks, b"\n"]
        if any(b"\r" in block for block in self.blocks):
            return [b"".join(ended).replace(b"\r\n", b"\n")]
        return ended

    def records(self) -> Iterator[Record]:
        """Yield the records one by one, without blank lines and with plain line ends."""
        line = self.start.line
        first, inside = line + 1, False
        lines: list[bytes] = []
        for text in self.raw.removesuffix(b"\n").split(b"\n"):
            line += 1
            lines.append(text)
            inside ^= text.count(b'"') % 2 == 1
            if not inside:
                yield from _record(lines, first, line)
                first, lines = line + 1, []
        if lines:
            yield from _record(lines, first, line)

    def end(self) -> Position:
        """Return the place after them."""
        lines = self.ends
        if self.quoted_newlines:
            lines = sum(block.count(b"\n") for block in self.blocks) + (not self.blocks[-1].endswith(b"\n"))
        return Position(self.start.offset + sum(map(len, self.blocks)), self.start.line + lines)


def joined(records: list[bytes]) -> bytes:
    """Return records as COPY takes them."""
    return b"".join(b"%b\n" % (b'"\\."' if record == END_OF_DATA else record) for record in records)


def _record(lines: list[bytes], first: int, last: int) -> Iterator[Record]:
    text = b"\n".join(lines).removesuffix(b"\r")
    if text:
        yield Record(text, first, last)


class RecordReader:
    """Cut a stream into batches of whole records.

    Args:
        stream: stands at `start`.
        start: a place between two records.
        name: of the file, for messages.
        block: bytes that are read at once.
    """

    def __init__(
        self, stream: Stream, start: Position, *, name: str = "the file", block: int = BLOCK
    ) -> None:
        self._stream = stream
        self._at = start
        self._name = name
        self._block = block
        self._rest = b""

    def next_batch(self, limit: int) -> Batch | None:
        """Return the next records, at most `limit`, or None at the end of the file."""
        blocks: list[bytes] = []
        size, unended, scan = 0, 0, Scan()
        while (block := self._rest or self._stream.read(self._block)) and scan.ends < limit:
            before, inside = scan.ends, scan.inside
            self._rest = b""
            cut = scan.over(block, limit)
            if cut is None and size + len(block) >= LARGEST_BATCH and scan.ends > before:
                cut = Scan(before, inside=inside).over(block, scan.ends)
                scan.inside = False
            if cut is not None:
                block, self._rest = block[:cut], block[cut:]
            blocks.append(block)
            size += len(block)
            unended = unended + len(block) if scan.ends == before else 0
            if unended > LONGEST_RECORD:
                raise self._unended(scan.ends)
            if cut is not None:
                break
        return self._batch(blocks, scan) if blocks else None

    def _batch(self, blocks: list[bytes], scan: Scan) -> Batch:
        self._rest = self._rest or self._stream.read(self._block)
        batch = Batch(
            blocks=blocks,
            start=self._at,
            ends=scan.ends + (scan.inside or not blocks[-1].endswith(b"\n")),
            quoted_newlines=scan.quoted_newlines,
            is_last=not self._rest,
        )
        self._at = batch.end()
        return batch

    def _unended(self, records: int) -> FatalError:
        return FatalError(
            f"{self._name}: a record that begins about {records} rows after line {self._at.line} is "
            f"longer than {LONGEST_RECORD} bytes; a quote in it was probably never closed: mend the "
            "file and start again"
        )


@dataclass(slots=True)
class Scan:
    """Where a scan for the ends of records stands; it sees the file in blocks.

    Args:
        ends: how many it has seen.
        inside: whether it stands inside quotes.
        quoted_newlines: whether it has seen a newline inside quotes.
    """

    ends: int = 0
    inside: bool = False
    quoted_newlines: bool = False

    def over(self, block: bytes, wanted: int) -> int | None:
        """Scan a block; stop behind the end of record number `wanted`, and return that place if it is here."""
        parts = block.split(b'"') if b'"' in block else [block]
        if (self.inside or len(parts) > 1) and b"\n" in b"".join(parts[1 - self.inside :: 2]):
            return self._line_by_line(block, wanted)
        here = block.count(b"\n")
        if self.ends + here < wanted:
            self.ends += here
            self.inside ^= len(parts) % 2 == 0
            return None
        cut = nth_newline(block, wanted - self.ends)
        self.ends, self.inside = wanted, False
        return cut

    def _line_by_line(self, block: bytes, wanted: int) -> int | None:
        place = 0
        lines = block.split(b"\n")
        for line in lines[:-1]:
            place += len(line) + 1
            self.inside ^= line.count(b'"') % 2 == 1
            self.quoted_newlines |= self.inside
            self.ends += not self.inside
            if self.ends == wanted:
                return place
        self.inside ^= lines[-1].count(b'"') % 2 == 1
        return None


def nth_newline(data: bytes, number: int) -> int:
    """Return the place behind the newline of that number (from 1), which is there."""
    low, high = 0, len(data)
    while high - low > 1:
        middle = (low + high) // 2
        count = data.count(b"\n", low, middle)
        if count >= number:
            high = middle
        else:
            low, number = middle, number - count
    return high
