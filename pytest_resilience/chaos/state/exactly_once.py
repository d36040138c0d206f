"""Exactly once: each expected key is once in a table, and no other key is but those that were there before."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.configuration.model import ExactlyOnce
from pytest_resilience.chaos.state.difference import count
from pytest_resilience.chaos.state.expected_keys import KeySet, load_before, load_file, load_hashes
from pytest_resilience.chaos.state.named_table import Column, NotThereError, found
from pytest_resilience.chaos.state.side import first_line, side_connection
from pytest_resilience.errors import HarnessError

__all__ = ["KeySet", "judge_exactly_once", "read_keys"]

ROWS_NAMED = 5
"""Numbers of the file's rows that are named; what stands in them never is."""

_JUDGE = """
select count(*) filter (where t = 0),
    (array_agg(line order by line) filter (where t = 0))[1:{named}],
    count(*) filter (where t > 1), coalesce(sum(t - 1) filter (where t > 1), 0)::bigint,
    (array_agg(line order by line) filter (where t > 1 and line is not null))[1:{named}],
    count(*) filter (where f = 0 and not was)
from (
    select min(line) as line, sum(f) as f, sum(t) as t, bool_or(was) as was from (
        select {expected}, line, 1 as f, 0 as t, false as was from pg_temp.expected_keys
        union all select {own}, null, 0, 1, {hashed} in (select k from pg_temp.keys_before) from {table}
    ) as both_sides ({names}, line, f, t, was) group by {names}
) as keys
"""


def judge_exactly_once(
    dsn: str,
    declaration: ExactlyOnce,
    *,
    folder: Path,
    expected: KeySet | None = None,
    before: KeySet | None = None,
) -> tuple[str, ...]:
    """Say what is lost, doubled, or there and not expected; nothing where the promise was kept.

    Args:
        dsn: the address around the proxy.
        declaration: the table, its key, and the file whose keys are expected.
        folder: where the file's path starts.
        expected: the keys of the undisturbed run (`read_keys`), for a declaration without a file.
        before: the keys that were there before the run, which are not the file's.

    Raises:
        HarnessError: the file cannot be read, or nothing says which keys are expected.
    """
    if declaration.rows is None and expected is None:
        raise HarnessError(
            f'exactly_once of {declaration.table}: there are no keys to compare with; declare rows = "file.csv", '
            "or let the undisturbed run come first"
        )
    return _asked(dsn, declaration, lambda cursor: _judged(cursor, declaration, folder, expected, before))


def read_keys(dsn: str, declaration: ExactlyOnce) -> KeySet:
    """Return the keys that are in a table now.

    Raises:
        HarnessError: there is no such table or column.
    """
    import psycopg2

    with side_connection(dsn) as connection, connection.cursor() as cursor:
        table, columns = found(cursor, declaration)
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
        except NotThereError as missing:
            return (str(missing),)


def _judged(
    cursor: Any, declaration: ExactlyOnce, folder: Path, expected: KeySet | None, before: KeySet | None
) -> Iterable[str]:
    table, columns = found(cursor, declaration)
    load_before(cursor, before or array("q"))
    if declaration.rows is None:
        load_hashes(cursor, expected or array("q"))
        return _words(cursor, declaration, table, ["k0"], [_hashed(columns)], _hashed(columns))
    load_file(cursor, folder / declaration.rows, declaration.key)
    pairs = [_comparable(cursor, n, column) for n, column in enumerate(columns)]
    expected_sides, own_sides = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return _words(cursor, declaration, table, expected_sides, own_sides, _hashed(columns))


def _hashed(columns: Sequence[Column]) -> str:
    names = ", ".join(column.name for column in columns)
    return f'hashtextextended(row({names})::text collate "C", 0)'


def _comparable(cursor: Any, number: int, column: Column) -> tuple[str, str]:
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
    cursor: Any,
    declaration: ExactlyOnce,
    table: str,
    expected: Sequence[str],
    own: Sequence[str],
    hashed: str,
) -> Iterator[str]:
    names = ", ".join(f"k{n}" for n in range(len(own)))
    cursor.execute(
        _JUDGE.format(
            named=ROWS_NAMED,
            table=table,
            expected=", ".join(expected),
            own=", ".join(own),
            hashed=hashed,
            names=names,
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
