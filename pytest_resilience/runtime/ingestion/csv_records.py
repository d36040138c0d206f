"""Find where CSV records end, at the speed of the file: a newline ends one unless it stands inside quotes.

A quote anywhere in a field opens or closes quoting, as PostgreSQL's COPY sees it, so that both sides agree
on what a record is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from pytest_resilience.errors import FatalError

BLOCK = 1 << 18
LONGEST_RECORD = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Whole records, one after another.

    Args:
        data: their bytes, each ended by a newline.
        rows: how many there are.
        offset: bytes of the file's text up to their end.
        line: lines of the file's text up to their end.
    """

    data: bytes
    rows: int
    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two records: bytes, lines and rows before it."""

    offset: int = 0
    line: int = 0
    row: int = 0


class RecordReader:
    """Cut a stream into whole records."""

    def __init__(self, stream: IO[bytes], start: Position) -> None:
        self._stream = stream
        self._rest = b""
        self._offset = start.offset
        self._line = start.line

    def next_records(self, limit: int) -> Batch | None:
        """Return the next records, at most `limit`, or None at the end of the file."""
        records: list[bytes] = []
        pending = b""
        read = lines = 0
        while len(records) < limit:
            line = self._next_line()
            if not line:
                break
            read += len(line)
            lines += 1
            pending += line
            if pending.count(b'"') % 2:
                if len(pending) > LONGEST_RECORD:
                    raise self._unclosed(lines)
                continue
            record = pending.rstrip(b"\r\n")
            pending = b""
            if record:
                records.append(record + b"\n")
        if pending:
            records.append(pending.rstrip(b"\r\n") + b"\n")
        self._offset += read
        self._line += lines
        if not records:
            return None
        return Batch(data=b"".join(records), rows=len(records), offset=self._offset, line=self._line)

    def _next_line(self) -> bytes:
        return self._stream.readline()

    def _unclosed(self, lines: int) -> FatalError:
        return FatalError(
            f"the record that ends at line {self._line + lines} is longer than {LONGEST_RECORD} bytes; "
            "a quote before it was probably never closed"
        )
