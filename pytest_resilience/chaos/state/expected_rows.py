"""The keys that a CSV file promises, read row by row."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pytest_resilience.errors import HarnessError

DELIMITERS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Key = tuple[str | None, ...]


def keys_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Key]]:
    """Yield each row's number, from 1 after the header, and its key; an empty field is null.

    Args:
        path: a CSV file with a header, plain or `.gz`.
        columns: the columns of the key; matched exactly, else without regard to case and blanks.

    Raises:
        HarnessError: there is no such file or column, or it is no CSV file.
    """
    try:
        with _opened(path) as stream:
            yield from _keys(stream, path, columns)
    except OSError as error:
        raise HarnessError(
            f"{path}, the rows of an exactly_once, cannot be read: {error.strerror or error}"
        ) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}, the rows of an exactly_once, is no CSV file: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    return f"its text is not {error.encoding}" if isinstance(error, UnicodeDecodeError) else str(error)


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
        with io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
            yield text


def _keys(stream: IO[str], path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Key]]:
    header = stream.readline()
    delimiter, places = _places(header, path, columns)
    rows = csv.reader(stream, delimiter=delimiter)
    number = 0
    for row in rows:
        if not row:
            continue  # a blank line is no row
        number += 1
        yield number, tuple((row[place] if place < len(row) else "") or None for place in places)


def _places(header: str, path: Path, columns: Sequence[str]) -> tuple[str, list[int]]:
    """Find the columns; the delimiter is the one that makes the header hold them all."""
    names: list[str] = []
    for delimiter in DELIMITERS:
        read = next(csv.reader([header], delimiter=delimiter), [])
        found = [_place(read, column) for column in columns]
        if None not in found:
            return delimiter, [place for place in found if place is not None]
        names = max(names, read, key=len)
    raise HarnessError(
        f"{path}, the rows of an exactly_once, has no header with {', '.join(columns)}; its first line reads as "
        f"{len(names)} column{'s'[: len(names) != 1]}. Name the key's columns as the header does."
    )


def _place(header: Sequence[str], column: str) -> int | None:
    if column in header:
        return header.index(column)
    folded = [name.strip().casefold() for name in header]
    return folded.index(column.casefold()) if column.casefold() in folded else None
