"""Where an ingestion stands, as its checkpoint keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pytest_resilience.clock import Clock
from pytest_resilience.errors import CheckpointDamagedError
from pytest_resilience.runtime.ingestion.csv_records import Position
from pytest_resilience.runtime.ingestion.csv_source import FileVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionState:
    """Where an ingestion stands; each field is plain JSON.

    Args:
        source_file: absolute path.
        target_table: as the caller named it.
        last_row: rows read so far.
        rejected: how many of them were wrong.
        offset: bytes of the file's text read so far.
        last_line: its lines read so far.
        crc32: checksum of those bytes.
        size: of the file, in bytes.
        modified_ns: when the file was changed, nanoseconds since the epoch.
        timestamp: when this was written, ISO 8601 with time zone.
        finished: whether this is the end of the file.
    """

    source_file: str
    target_table: str
    last_row: int
    rejected: int
    offset: int
    last_line: int
    crc32: int
    size: int
    modified_ns: int
    timestamp: str
    finished: bool = False

    @property
    def position(self) -> Position:
        """Where reading goes on."""
        return Position(self.offset, self.last_line)

    @property
    def version(self) -> FileVersion:
        """Which version of the file was read."""
        return FileVersion(self.size, self.modified_ns)

    @property
    def quality(self) -> float:
        """The part of the rows read so far that is good."""
        return 1.0 if self.last_row == 0 else 1 - self.rejected / self.last_row

    def as_json(self) -> dict[str, Any]:
        """Return it as a checkpoint keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> IngestionState:
        """Read a checkpoint.

        Raises:
            CheckpointDamagedError: it is not an ingestion's.
        """
        try:
            return cls(**state)
        except TypeError as error:
            raise CheckpointDamagedError(
                f"this checkpoint is not one of an ingestion ({error}); delete it to start from the beginning"
            ) from error


def timestamp(clock: Clock) -> str:
    """Return the time as ISO 8601, in UTC."""
    return datetime.fromtimestamp(clock.time(), UTC).isoformat()
