"""What a service wrote to its log while a test ran."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LogView:
    """The part of a service's log that was written since the test began."""

    path: Path
    start: int

    @classmethod
    def from_now_on(cls, path: Path) -> LogView:
        """Begin at the log's present end."""
        return cls(path, path.stat().st_size if path.exists() else 0)

    def last_lines(self, count: int = 15) -> list[str]:
        """Return at most `count` lines, the last ones."""
        with self.path.open("rb") as stream:
            stream.seek(self.start)
            return stream.read().decode(errors="replace").splitlines()[-count:]
