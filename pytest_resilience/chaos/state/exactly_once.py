"""Exactly once: each expected key is once in a table, and no other key is."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pytest_resilience.chaos.configuration.model import ExactlyOnce
from pytest_resilience.chaos.state.difference import count
from pytest_resilience.chaos.state.expected_rows import keys_of
from pytest_resilience.chaos.state.side import first_line, side_connection
from pytest_resilience.errors import HarnessError

ROWS_NAMED = 5
"""Numbers of the file's rows that are named; what stands in them never is."""

KeySet: TypeAlias = "array[int]"
"""The hashes of the keys of a table, sorted: what an undisturbed run leaves."""

_COLUMNS = """
select attname, quote_ident(attname),
    format_type(atttypid, case when typcategory in ('S', 'V') then -1 else atttypmod end), typcategory = 'S'
from pg_attribute join pg_type t on t.oid = atttypid
where attrelid = %s and attnum > 0 and not attisdropped
"""  # a cast to a text type with a length would cut what is too long

_JUDGE = """
select count(*) filter (where t = 0),
    (array_agg(line order by line) filter (where t = 0))[1:{named}],
    count(*) filter (where t > 1), coalesce(sum(t - 1) filter (where t > 1), 0)::bigint,
    (array_agg(line order by line) filter (where t > 1 and line is not null))[1:{named}],
    count(*) filter (where f = 0)
from (
    select min(line) as line, sum(f) as f, sum(t) as t from (
        select {expected}, line, 1 as f, 0 as t from pg_temp.expected_keys
        union all select {own}, null, 0, 1 from {table}
    ) as both_sides ({names}, line, f, t) group by {names}
) as keys
"""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the key: its name, quoted, its type, and whether that is a text."""

    name: str
    type: str
    is_text: bool


def judge_exactly_once(
    dsn: str, declaration: ExactlyOnce, *, folder: Path, expected: KeySet | None = None
) -> tuple[str, ...]:
    """Say what is lost, doubled, or there and not expected; nothing where the promise was kept.

    Args:
        dsn: the address around the proxy.
        declaration: the table, its key, and the file whose keys are expected.
        folder: where the file's path starts.
        expected: the keys of the undisturbed run (`read_keys`), for a declaration without a file.

    Raises:
        HarnessError: the file cannot be read, or nothing says which keys are expected.
    """
    if declaration.rows is None and expected is None:
        raise HarnessError(
            f'exactly_once of {declaration.table}: there are no keys to compare with; declare rows = "file.csv", '
            "or let the undisturbed run come first"
        )
    return _asked(dsn, declaration, lambda cursor: _judged(cursor, declaration, folder, expected))


def read_keys(dsn: str, declaration: ExactlyOnce) -> KeySet:
    """Return the keys that are in a table now.

    Raises:
        HarnessError: there is no such table or column.
    """
    import psycopg2

    with side_connection(dsn) as connection, connection.cursor() as cursor:
        table, columns = _found(cursor, declaration)
        try:
            cursor.execute(f"select distinct {_hashed(columns)} as key from {table} order by key")  # noqa: S608
            return array("q", (key for (key,) in cursor))
        except psycopg2.Error as error:
            raise HarnessError(
                f"The keys of {declaration.table} cannot be read: {first_line(error)}"
            ) from error


def _asked(dsn: str, declaration: ExactlyOnce, ask: Any) -> tuple[str, ...]:
    import psycopg2

    with side_connection(dsn) as connection, connection.cursor() as cursor:
        try:
            return tuple(ask(cursor))
        except psycopg2.Error as error:
            return (f"{declaration.table} cannot be judged: {first_line(error)}",)
        except _NotThereError as missing:
            return (str(missing),)


def _judged(cursor: Any, declaration: ExactlyOnce, folder: Path, expected: KeySet | None) -> Iterable[str]:
    table, columns = _found(cursor, declaration)
    if declaration.rows is None:
        _load_hashes(cursor, expected or array("q"))
        return _words(cursor, declaration, table, ["k0"], [_hashed(columns)])
    _load(cursor, folder / declaration.rows, declaration.key)
    pairs = [_comparable(cursor, n, column) for n, column in enumerate(columns)]
    return _words(cursor, declaration, table, [pair[0] for pair in pairs], [pair[1] for pair in pairs])


class _NotThereError(HarnessError):
    """Say that the table, or a column of it, is not there."""


def _found(cursor: Any, declaration: ExactlyOnce) -> tuple[str, list[_Column]]:
    """Return the table and the columns of its key, quoted for SQL."""
    oid, table = _table(cursor, declaration.table)
    cursor.execute(_COLUMNS, (oid,))
    columns = {name: _Column(*facts) for name, *facts in cursor.fetchall()}
    folded = {name.casefold(): column for name, column in columns.items()}
    found = [columns.get(name) or folded.get(name.casefold()) for name in declaration.key]
    if None in found:
        missing = [name for name, column in zip(declaration.key, found, strict=True) if column is None]
        raise _NotThereError(
            f"{declaration.table} has no column {', '.join(missing)}; it has {', '.join(columns)}"
        )
    return table, [column for column in found if column is not None]


def _table(cursor: Any, name: str) -> tuple[int, str]:
    """Find a table by its name as SQL reads it, else as it is written, else without its schema."""
    schema, _, bare = name.rpartition(".")
    cursor.execute(
        """
        select c.oid, quote_ident(s.nspname) || '.' || quote_ident(c.relname),
            case when c.oid = to_regclass(%(exact)s) then 0 else 1 end as rank
        from pg_class c join pg_namespace s on s.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and s.nspname !~ '^pg_'
        and (c.oid = to_regclass(%(exact)s) or lower(c.relname) = lower(%(bare)s)
            and (%(schema)s = '' or lower(s.nspname) = lower(%(schema)s)))
        order by rank
        """,
        {"exact": name if _is_plain(name) else None, "bare": bare.strip('"'), "schema": schema.strip('"')},
    )
    found = cursor.fetchall()
    if not found:
        raise _NotThereError(f"{name} is not there: no such table")
    if found[0][2] and len(found) > 1:
        raise _NotThereError(f"{name} is not clear: there are {', '.join(row[1] for row in found)}")
    return found[0][0], found[0][1]


def _is_plain(name: str) -> bool:
    """Tell whether `to_regclass` can read it: it raises an error for what is no name."""
    return bool(name) and name.count('"') % 2 == 0 and all(part.strip() for part in name.split("."))


def _hashed(columns: Sequence[_Column]) -> str:
    names = ", ".join(column.name for column in columns)
    return f'hashtextextended(row({names})::text collate "C", 0)'


def _load_hashes(cursor: Any, keys: KeySet) -> None:
    cursor.execute("create temp table expected_keys (k0 bigint, line bigint)")
    _copy(cursor, (f"{key}\t\\N\n" for key in keys))


def _load(cursor: Any, path: Path, key: Sequence[str]) -> None:
    columns = ", ".join(f"k{n} text" for n in range(len(key)))
    cursor.execute(f"create temp table expected_keys ({columns}, line bigint)")
    _copy(cursor, ("\t".join([*map(_field, values), f"{number}\n"]) for number, values in keys_of(path, key)))


def _copy(cursor: Any, lines: Iterator[str]) -> None:
    source = _Lines(lines)
    try:
        cursor.copy_expert("copy pg_temp.expected_keys from stdin", source)
    except Exception:
        if source.failure is not None:  # psycopg2 turns it into an error of COPY
            raise source.failure from None
        raise
    cursor.execute("analyze pg_temp.expected_keys")


def _field(value: str | None) -> str:
    """Return a field as COPY's text format wants it (PostgreSQL documentation, COPY); NUL cannot be in a table."""
    if value is None:
        return "\\N"
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\ufffd")):
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


def _comparable(cursor: Any, number: int, column: _Column) -> tuple[str, str]:
    """Return the two sides in the column's type; as text where the file has a key that is not of that type."""
    import psycopg2

    typed = f"k{number}::{column.type}"
    try:
        cursor.execute(f"select count({typed}) from pg_temp.expected_keys")  # noqa: S608
    except psycopg2.DataError:
        return f"k{number}", f"{column.name}::text"
    if column.is_text:  # a CSV reader cannot tell an empty text from null
        return typed, f"nullif({column.name}, '')"
    return typed, column.name


def _words(
    cursor: Any, declaration: ExactlyOnce, table: str, expected: Sequence[str], own: Sequence[str]
) -> Iterator[str]:
    names = ", ".join(f"k{n}" for n in range(len(own)))
    cursor.execute(
        _JUDGE.format(
            named=ROWS_NAMED, table=table, expected=", ".join(expected), own=", ".join(own), names=names
        )
    )
    lost, lost_rows, doubled, extra, doubled_rows, phantom = cursor.fetchone()
    where = declaration.table
    if lost:
        yield f"{where}: {count(lost, 'key')} lost{_of_the_file(lost, lost_rows)}"
    if doubled:
        times = f"{count(extra, 'row')} too many"
        yield f"{where}: {count(doubled, 'key')} doubled, {times}{_of_the_file(doubled, doubled_rows)}"
    if phantom:
        yield f"{where}: {count(phantom, 'key')} there that {'is' if phantom == 1 else 'are'} not expected"


def _of_the_file(number: int, rows: Sequence[int | None] | None) -> str:
    known = [str(row) for row in rows or () if row is not None]
    if not known:
        return ""
    more = ", ..." if number > len(known) else ""
    return f" (data row{'s'[: number != 1]} {', '.join(known)}{more} of the file)"
