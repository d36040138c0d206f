"""Where in a file something was written, for messages that an editor can jump to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
