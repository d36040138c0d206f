"""The expected keys, brought into a temporary table of the side connection."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pytest_resilience.chaos.state.expected_rows import keys_of
from pytest_resilience.errors import HarnessError

KeySet: TypeAlias = "array[int]"
"""The hashes of the keys of a table, sorted: what an undisturbed run leaves."""

NOT_NUL = "\ufffd"
"""Stands for NUL, which no text in a table can have."""


def load_hashes(cursor: Any, keys: KeySet) -> None:
    """Make the table of hashes, `k0` and `line`, which is null."""
    cursor.execute("create temp table expected_keys (k0 bigint, line bigint)")
    _fill(cursor, "expected_keys", ((str(key), None) for key in keys))


def load_before(cursor: Any, keys: KeySet) -> None:
    """Make the table of the hashes of keys that were there before, `k`."""
    cursor.execute("create temp table keys_before (k bigint)")
    _fill(cursor, "keys_before", ((str(key),) for key in keys))


def load_file(cursor: Any, path: Path, key: Sequence[str]) -> None:
    """Make the table of a file's keys as texts, `k0`, `k1`, ... and `line`, the row's number in the file."""
    columns = ", ".join(f"k{n} text" for n in range(len(key)))
    cursor.execute(f"create temp table expected_keys ({columns}, line bigint)")
    _fill(cursor, "expected_keys", ((*values, str(number)) for number, values in keys_of(path, key)))


def _fill(cursor: Any, table: str, rows: Iterator[Sequence[str | None]]) -> None:
    """Fill a temporary table by COPY; by INSERT where code under test, loaded by a test, gave psycopg2 a wait callback.

    Such a callback is the whole process's, and psycopg2 refuses to copy under one.
    """
    from psycopg2.extensions import get_wait_callback
    from psycopg2.extras import execute_values

    if get_wait_callback() is None:
        _copy(cursor, table, ("\t".join(map(_field, row)) + "\n" for row in rows))
    else:
        fitting = ([value and value.replace("\0", NOT_NUL) for value in row] for row in rows)
        execute_values(cursor, f"insert into pg_temp.{table} values %s", fitting, page_size=1_000)  # noqa: S608
    cursor.execute(f"analyze pg_temp.{table}")


def _copy(cursor: Any, table: str, lines: Iterator[str]) -> None:
    source = _Lines(lines)
    try:
        cursor.copy_expert(f"copy pg_temp.{table} from stdin", source)
    except Exception:
        if source.failure is not None:  # psycopg2 turns it into an error of COPY
            raise source.failure from None
        raise


def _field(value: str | None) -> str:
    """Return a field as COPY's text format wants it (PostgreSQL documentation, COPY); NUL cannot be in a table."""
    if value is None:
        return "\\N"
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", NOT_NUL)):
        value = value.replace(plain, escaped)
    return value


class _Lines(io.RawIOBase):
    """A file of lines that are made while it is read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._rest = b""
        self.failure: HarnessError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._read(size)
        except HarnessError as error:
            self.failure = error
            raise

    def _read(self, size: int) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while size < 0 or length < size:
            line = next(self._lines, "").encode()
            if not line:
                break
            parts.append(line)
            length += len(line)
        whole = b"".join(parts)
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]
