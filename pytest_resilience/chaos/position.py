"""Where in a file something was written, for messages that an editor can jump to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_SHOWN = 50
"""Complaints that are shown: whoever has more of them has made one mistake many times, or begins with the first."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        """Return `file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong in a file: where, and what to write instead."""

    position: Position
    message: str

    def __str__(self) -> str:
        """Return `file:line:column: message`."""
        return f"{self.position}: {self.message}"


def listed(complaints: Sequence[Complaint]) -> Iterator[str]:
    """Give a line for each complaint, and where there are too many to be read one that counts the rest."""
    yield from map(str, complaints[:MOST_SHOWN])
    rest = complaints[MOST_SHOWN:]
    if rest:
        files = len({complaint.position.file for complaint in rest})
        yield f"and {len(rest)} more, in {files} file{'s' if files > 1 else ''}: they are told when these are mended"
