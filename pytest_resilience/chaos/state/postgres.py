"""The state of a PostgreSQL database: its schema as digests, its tables as counts and checksums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from pytest_resilience.chaos.state.side import first_line, side_connection
from pytest_resilience.chaos.state.tables import Mask, Table
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.postgres import quoted

ROWS_TOLD = 5_000
"""Of tables with at most so many rows each row's hash is kept, so that a difference says what became of them."""
SMALL = 4 * 1024 * 1024
"""Bytes up to which a table's columns are summed each for itself: that takes longer than the rows."""

_BEGIN = """
begin isolation level repeatable read, read only;
set local search_path = ''; set local row_security = off; set local timezone = 'UTC';
set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex';
set local extra_float_digits = 1; set local jit = off;
"""  # what a row looks like as text must not depend on the database's or the role's settings

_ROWS = """
select {number}, count(*), coalesce(sum(h), 0)::text,
    array_agg(array[k, h]) filter (where n <= {told}), array[{sums}]::text[]
from (select row_number() over () as n, {row} as h, {key} as k{columns} from {table}) as rows
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """The rows of one table, without masked columns.

    Args:
        count: how many there are.
        checksum: the same for the same rows in any order.
        has_key: whether rows have a key of unmasked columns.
        rows: sorted pairs of hashes, of the key (0 without one) and of the row; none where there are too many.
        columns: a checksum for each column, masked ones too; of large tables only where they were asked for.
        masked: the columns that were left out.
        surrogates: columns that a sequence fills, or that refer to such.
    """

    count: int
    checksum: str
    has_key: bool = False
    rows: tuple[tuple[int, int], ...] | None = field(default=None, compare=False)
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)
    masked: frozenset[str] = field(default=frozenset(), compare=False)
    surrogates: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresState:
    """A database at one moment; equal states are equal in everything that is not masked.

    Args:
        schema: what there is (`column raw.stays.stay_id`), and a digest of its definition.
        tables: the rows, by the table's name.
    """

    schema: Mapping[str, str]
    tables: Mapping[str, TableState]

    @property
    def digest(self) -> str:
        """The same for equal states: short, to be stored and compared."""
        rows = {name: (table.count, table.checksum) for name, table in self.tables.items()}
        return hashlib.sha256(repr((sorted(self.schema.items()), sorted(rows.items()))).encode()).hexdigest()


def read_state(
    dsn: str, *, mask: Iterable[str] = (), surrogates: bool = False, columns: bool = False
) -> PostgresState:
    """Return the state of a database, all of it as of one moment.

    Sequences' positions are no part of it: they never roll back. Columns that they fill are left out for the
    same reason, and so are the runtime's own times and paths.

    Args:
        dsn: the address around the proxy.
        mask: columns that differ from run to run, `schema.table.column`, where a part may be `*`.
        surrogates: compare the columns that a sequence fills, too.
        columns: sum the columns of large tables as well, for `unstable_columns`.

    Raises:
        HarnessError: it cannot be read.
    """
    import psycopg2

    masks = [Mask.parse(text) for text in mask]
    with side_connection(dsn) as connection, connection.cursor() as cursor:
        try:
            return _read(cursor, masks, surrogates=surrogates, columns=columns)
        except psycopg2.Error as error:
            raise HarnessError(
                f"The state of the database cannot be read: {first_line(error)}. Does a transaction that was left "
                "open hold a lock, or may the role not read every table?"
            ) from error


def _read(cursor: Any, masks: Iterable[Mask], *, surrogates: bool, columns: bool) -> PostgresState:
    cursor.execute(_BEGIN + _CATALOG)
    found = cursor.fetchall()
    schema = {f"{kind} {name}": digest for kind, name, digest in found if kind}
    tables = [Table.from_catalog(name, facts) for kind, name, facts in found if not kind]
    readable = [
        (table, table.masked(masks, surrogates=not surrogates)) for table in tables if table.populated
    ]
    if not readable:
        return PostgresState(schema=schema, tables={})
    cursor.execute(
        " union all ".join(
            _select(n, *pair, _summed(pair[0], columns=columns)) for n, pair in enumerate(readable)
        )
    )
    rows = {number: facts for number, *facts in cursor.fetchall()}
    states = {table.name: _state(table, out, *rows[n]) for n, (table, out) in enumerate(readable)}
    return PostgresState(schema=schema, tables=states)


def _summed(table: Table, *, columns: bool) -> tuple[str, ...]:
    return table.columns if columns or table.size <= SMALL else ()


def _select(number: int, table: Table, masked: frozenset[str], summed: tuple[str, ...]) -> str:
    key = table.key_without(masked)
    return _ROWS.format(
        number=number,
        told=ROWS_TOLD + 1,
        table=table.name,
        row=row_hash([column for column in table.columns if column not in masked]),
        key=row_hash(key) if key else "0::bigint",
        columns="".join(f", {row_hash([column])} as c{n}" for n, column in enumerate(summed)),
        sums=", ".join(f"sum(c{n})" for n in range(len(summed))),
    )


def row_hash(columns: Iterable[str]) -> str:
    """Return the SQL of a row's hash, of which a table's checksum is the sum."""
    names = ", ".join(quoted(column) for column in columns)
    return f'pg_catalog.hashtextextended(row({names})::text collate "C", 0)'


def _state(
    table: Table, masked: frozenset[str], count: int, checksum: str, rows: Any, sums: list[str]
) -> TableState:
    return TableState(
        count=count,
        checksum=checksum,
        has_key=table.key_without(masked) is not None,
        rows=None if count > ROWS_TOLD else tuple(sorted((key, row) for key, row in rows or [])),
        columns=dict(zip(table.columns, sums, strict=False)),
        masked=masked,
        surrogates=table.surrogates,
    )


def unstable_columns(first: PostgresState, second: PostgresState) -> tuple[str, ...]:
    """Return the columns that differ between two undisturbed runs, as masks: times, draws, identifiers.

    Where the rows differ and no column does as a whole, the columns that a sequence fills are named: concurrent
    writers take their numbers in any order.
    """
    found: list[str] = []
    for name in sorted(first.tables.keys() & second.tables.keys()):
        found += _unstable(name, first.tables[name], second.tables[name])
    return tuple(found)


def _unstable(name: str, first: TableState, second: TableState) -> list[str]:
    if first == second or first.count != second.count:
        return []
    common = first.columns.keys() & second.columns.keys()
    differing = {
        column for column in common if first.columns[column] != second.columns[column]
    } - first.masked
    return [f"{name}.{_part(column)}" for column in sorted(differing or first.surrogates - first.masked)]


def _part(column: str) -> str:
    return column if re.fullmatch(r"\w+", column) else quoted(column)


_CATALOG = resources.files(__package__).joinpath("catalog.sql").read_text()
