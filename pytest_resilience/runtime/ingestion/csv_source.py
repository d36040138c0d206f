"""A CSV file, plain or gzip, read as batches of whole records that know their place in it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.ingestion.csv_records import Batch, Position, RecordReader

GZIP_MAGIC = b"\x1f\x8b"
HEAD = 1 << 16


class CsvSource:
    """A CSV file with a header.

    Args:
        path: the file; gzip is told by its first bytes.
        delimiter: one byte between two fields.
        encoding: Python's name of it.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, delimiter: str = ",", encoding: str = "utf-8"
    ) -> None:
        self.path = Path(path)
        self._delimiter = delimiter
        self._encoding = encoding
        if not self.path.is_file():
            raise FatalError(
                f"source file {str(self.path)!r} is not there (looked in {Path.cwd()}); check the "
                f"path and start again"
            )
        with self.path.open("rb") as stream:
            self._head = stream.read(HEAD)
        self._gzip = self._head.startswith(GZIP_MAGIC)

    def fingerprint(self) -> dict[str, object]:
        """Return what tells this file from a changed one, without reading all of it."""
        status = self.path.stat()
        return {
            "size": status.st_size,
            "modified_ns": status.st_mtime_ns,
            "head": hashlib.sha256(self._head).hexdigest(),
        }

    def header(self) -> tuple[list[str], Position]:
        """Return the column names, and the place of the first row."""
        with self._open() as stream:
            record = RecordReader(stream, Position()).next_records(1)
        if record is None or not record.data.strip():
            raise FatalError(
                f"source file {str(self.path)!r} has no header line; the first line names the columns"
            )
        try:
            text = record.data.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise FatalError(f"the header of {str(self.path)!r} is not {self._encoding}: {error}") from error
        names = next(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=self._delimiter))
        return [name.strip() for name in names], Position(record.offset, record.line, 0)

    def batches(self, start: Position, rows: int) -> Iterator[Batch]:
        """Yield batches of so many rows from a place on."""
        try:
            with self._open() as stream:
                stream.seek(start.offset)
                reader = RecordReader(stream, start)
                while (batch := reader.next_records(rows)) is not None:
                    yield batch
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FatalError(
                f"source file {str(self.path)!r} is a damaged or unfinished gzip file: {error}; get it again"
            ) from error

    def _open(self) -> IO[bytes]:
        return cast("IO[bytes]", gzip.open(self.path, "rb")) if self._gzip else self.path.open("rb")
