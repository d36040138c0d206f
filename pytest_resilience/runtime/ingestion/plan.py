"""How a file is cut into byte ranges; kept in the database, so that every run cuts it in the same places."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from pytest_resilience.errors import CheckpointDamagedError, FatalError
from pytest_resilience.runtime.ingestion.csv_source import CsvSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A range of the file: its number, where it begins, and the byte behind it."""

    number: int
    offset: int
    line: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a file is cut.

    Args:
        parts: the ranges.
        crc32: of the whole text.
        size: of the file, in bytes.
        modified_ns: when the file was changed, nanoseconds since the epoch.
    """

    parts: tuple[Part, ...]
    crc32: int
    size: int
    modified_ns: int

    @classmethod
    def make(cls, source: CsvSource, count: int, rows: int) -> Plan:
        """Cut a file into at most so many ranges of about the same size, between batches of so many rows."""
        version, header = source.version(), source.header()
        start, crc32 = header.end, header.crc32
        parts: list[Part] = []
        for batch, total in source.batches(start, rows, crc32):
            crc32, end = total, batch.end()
            if batch.is_last or end.offset * count >= version.size * (len(parts) + 1):
                number = len(parts)
                parts.append(Part(number=number, offset=start.offset, line=start.line, end=end.offset))
                start = end
        return cls(parts=tuple(parts), crc32=crc32, size=version.size, modified_ns=version.modified_ns)

    def of(self, source: CsvSource) -> Plan:
        """Return the plan with the file's present version.

        Raises:
            FatalError: the file is not the one that was cut.
        """
        now = source.version()
        touched = now.modified_ns != self.modified_ns
        if now.size != self.size or (touched and source.crc32(now.size) != self.crc32):
            raise FatalError(
                f"source file {source.name!r} has changed since its ingestion in parts began; bring the old file "
                "back to finish, or empty the table and pass start_over=True"
            )
        return replace(self, modified_ns=now.modified_ns)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self) | {"parts": [asdict(part) for part in self.parts]}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Plan:
        """Read a plan.

        Raises:
            CheckpointDamagedError: it is none.
        """
        try:
            return cls(**state | {"parts": tuple(Part(**part) for part in state["parts"])})
        except (TypeError, KeyError) as error:
            raise CheckpointDamagedError(
                f"this checkpoint is no plan of an ingestion in parts ({error})"
            ) from error
