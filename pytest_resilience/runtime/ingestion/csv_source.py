"""A CSV file, plain or gzip, read as batches of whole records that know their place in it."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.classify import translate
from pytest_resilience.runtime.ingestion.csv_records import BLOCK, Batch, Position, RecordReader

GZIP_MAGIC = b"\x1f\x8b"
WIDE = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16 and UTF-32, in which a newline is not one byte."""


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What tells a file from a changed one without reading it."""

    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Header:
    """A file's first line.

    Args:
        names: of the columns.
        end: the place of the first record.
        crc32: of the bytes before it.
    """

    names: tuple[str, ...]
    end: Position
    crc32: int


class CsvSource:
    """A CSV file with a header.

    Args:
        path: the file; that it is gzip is told by its first bytes.
        delimiter: one byte between two fields.
        encoding: as Python names it.

    Raises:
        FatalError: there is no such file, or it cannot be read as CSV.
        RetryableError: it cannot be read just now.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, delimiter: str = ",", encoding: str = "utf-8"
    ) -> None:
        self.path = Path(path)
        self.name = str(self.path)
        self.delimiter = delimiter
        self.encoding = encoding
        if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
            raise FatalError(
                f"delimiter must be one byte other than a quote or a line end, got {delimiter!r}"
            )
        if not self.path.is_file():
            what = "is not a file" if self.path.exists() else "is not there"
            raise FatalError(
                f"source file {self.name!r} {what} (looked in {Path.cwd()}); correct the path and start again"
            )
        with self._errors(), self.path.open("rb") as stream:
            self.is_gzip = stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC

    def version(self) -> FileVersion:
        """Return which version of the file stands at the path now."""
        with self._errors():
            status = self.path.stat()
        return FileVersion(status.st_size, status.st_mtime_ns)

    def header(self) -> Header:
        """Read the names of the columns."""
        with self._open() as stream:
            batch = RecordReader(stream, Position(), name=self.name).next_batch(1)
        raw = batch.raw if batch else b""
        if raw.startswith(WIDE):
            raise FatalError(f"source file {self.name!r} is UTF-16 or UTF-32; convert it to UTF-8 first")
        try:
            text = raw.decode(self.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise FatalError(
                f"the header of {self.name!r} is not {self.encoding}: {error.reason}; give its encoding="
            ) from error
        if not text.strip():
            raise FatalError(f"source file {self.name!r} is empty; its first line must name the columns")
        if "\r" in text.rstrip("\r\n"):
            raise FatalError(
                f"source file {self.name!r} ends its lines with CR alone; convert them to newlines"
            )
        names = next(csv.reader([text], delimiter=self.delimiter))
        assert batch is not None  # noqa: S101 - there is text
        return Header(tuple(name.strip() for name in names), batch.end(), zlib.crc32(raw))

    def batches(
        self, start: Position, rows: int, crc32: int, *, end: int | None = None
    ) -> Generator[tuple[Batch, int]]:
        """Yield batches of at most so many rows from a place on, each with the checksum of the text up to its end.

        Args:
            start: the place.
            rows: at most so many in a batch.
            crc32: of the text before the place.
            end: the byte behind the last record; default: the end of the file.
        """
        with self._open() as stream:
            stream.seek(start.offset)
            limited = stream if end is None else _Limited(stream, end - start.offset)
            reader = RecordReader(limited, start, name=self.name)
            while (batch := reader.next_batch(rows)) is not None:
                for block in batch.blocks:
                    crc32 = zlib.crc32(block, crc32)
                yield batch, crc32

    def crc32(self, end: int) -> int:
        """Return the checksum of the text's first bytes; reads all of them."""
        result = 0
        with self._open() as stream:
            while end > 0 and (block := stream.read(min(BLOCK, end))):
                end -= len(block)
                result = zlib.crc32(block, result)
        return result

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with (
            self._errors(),
            self.path.open("rb") as plain,
            gzip.GzipFile(fileobj=plain) if self.is_gzip else nullcontext(plain) as stream,
        ):
            yield cast("IO[bytes]", stream)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say which file is damaged or cannot be read."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FatalError(
                f"source file {self.name!r} is a damaged or unfinished gzip file ({error}); get it again"
            ) from error
        except OSError as error:
            raise translate(error, f"reading source file {self.name!r}") from error


class _Limited:
    """A stream that ends after so many bytes."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self._stream = stream
        self._left = left

    def read(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data
