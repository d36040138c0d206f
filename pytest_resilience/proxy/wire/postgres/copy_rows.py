"""Rows of a COPY FROM STDIN, counted as their bytes go by, wherever messages and segments are cut.

A counter knows how many rows have *begun*: the first byte of a row counts it, since a fault "before row N+1" has to
act before any of it is sent. Source: PostgreSQL documentation, COPY, "File Formats".
"""

from __future__ import annotations

import re
from typing import Protocol


class RowCounter(Protocol):
    """Counts the rows of one COPY."""

    @property
    def begun(self) -> int:
        """How many rows have begun."""

    def feed(self, data: bytes) -> None:
        """Take the payload of the next CopyData message."""


class TextRows:
    """Count the rows of the text format: a line break ends one, unless a backslash stands before it.

    Args:
        header: the first line names the columns.
    """

    def __init__(self, *, header: bool = False) -> None:
        self._lines = _Lines(header=header)
        self._escaped = False

    @property
    def begun(self) -> int:
        """How many rows have begun."""
        return self._lines.begun

    def feed(self, data: bytes) -> None:
        """Take the payload of the next CopyData message."""
        if self._escaped and data:
            data = b"x" + data[1:]  # whatever is escaped is data
        trailing = len(data) - len(data.rstrip(b"\\"))
        self._escaped = bool(trailing % 2) or (self._escaped and not data)
        if _END_MARKER.search(data) and (self._lines.at_start or len(data) > 4):
            data = _END_MARKER.sub(b"", data)
        if b"\\\n" in data or b"\\\r" in data:
            data = _ESCAPED.sub(b"xx", data)
        self._lines.feed(data)


class CsvRows:
    """Count the rows of the CSV format: a line break within quotes is data.

    Args:
        header: the first line names the columns.
        quote: the quoting character.
        escape: what makes a quote data; the same as `quote` where it is doubled.
    """

    def __init__(self, *, header: bool = False, quote: bytes = b'"', escape: bytes = b'"') -> None:
        self._lines = _Lines(header=header)
        self._quote = quote
        self._escape = b"" if escape == quote else escape
        self._quoted = False
        self._escaped = False

    @property
    def begun(self) -> int:
        """How many rows have begun."""
        return self._lines.begun

    def feed(self, data: bytes) -> None:
        """Take the payload of the next CopyData message."""
        if self._escape:
            data = self._without_escapes(data)
        parts = data.split(self._quote)
        began, ends = self._quoted, self._quoted ^ (len(parts) % 2 == 0)
        outside = b"x".join(parts[1::2] if began else parts[::2])
        before = b"x" if began and data else b""
        after = b"x" if ends and len(parts) > 1 else b""
        self._quoted = ends
        self._lines.feed(before + outside + after)

    def _without_escapes(self, data: bytes) -> bytes:
        """Replace what is escaped, which a quote can only be within quotes."""
        kept = bytearray()
        quoted = self._quoted
        for value in data:
            character = bytes((value,))
            if self._escaped:
                character = b"x"
                self._escaped = False
            elif quoted and character == self._escape:
                self._escaped = True
            elif character == self._quote:
                quoted = not quoted
            kept += character
        return bytes(kept)


class _Lines:
    """Counts the lines that have begun; which line break ends them, the first one shows, as for the server."""

    def __init__(self, *, header: bool) -> None:
        self.begun = 0
        self.at_start = True
        self._header = header
        self._break = b""
        self._undecided = b""

    def feed(self, data: bytes) -> None:
        data = self._undecided + data
        self._undecided = b""
        if not self._break:
            data = self._decide(data)
        if not data:
            return
        ends_line = bool(self._break) and data.endswith(self._break)
        breaks = data.count(self._break) if self._break else 0
        self._begin(breaks - ends_line + self.at_start)
        self.at_start = ends_line

    def _decide(self, data: bytes) -> bytes:
        """Find the kind of line break; a lone carriage return at the end waits for what follows it."""
        found = _BREAK.search(data)
        if found is None:
            return data
        if found.group() == b"\r" and found.end() == len(data):
            self._undecided = b"\r"
            return data[:-1]
        self._break = b"\r" if found.group() == b"\r" else b"\n"
        return data

    def _begin(self, lines: int) -> None:
        if self._header and lines:
            self._header = False
            lines -= 1
        self.begun += lines


_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_END_MARKER = re.compile(rb"(?<![^\r\n])\\\.\r?\n?\Z")
_BREAK = re.compile(rb"\r\n?|\n")
