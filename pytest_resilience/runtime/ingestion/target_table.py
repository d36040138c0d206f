"""A table to ingest into: found as SQL would find it, and its columns matched to a file's header."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.database.identifiers import literal, quoted

Query = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

LONGEST_NAME = 63
"""Bytes of an identifier (PostgreSQL documentation, 4.1.1)."""

_PART = re.compile(r'("(?:[^"]|"")+"|[^".\s]+)(?:\.|\Z)')

_FIND = """
select c.oid, n.nspname, c.relname, c.relkind::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = coalesce(to_regclass(%s), to_regclass(%s))
"""

_COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull and d.adbin is null and a.attidentity = '' as required,
       a.attgenerated <> '' or a.attidentity = 'a' as computed,
       t.typcategory = 'S' as is_text
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
where a.attrelid = %s and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""


_COUNTS_ROWS = """
select not exists (
    select from pg_trigger
    where (tgrelid = %s or tgrelid in (select relid from pg_partition_tree(%s)))
    and not tgisinternal and tgtype & 7 = 7  -- for each row, before, insert
)
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as the catalogue describes it."""

    name: str
    type: str
    required: bool
    computed: bool
    is_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTable:
    """An existing table.

    Args:
        schema: where it is.
        name: of its own.
        columns: in the table's order.
        counts_rows: whether each row that is sent is a row that is counted; a trigger may see to other things.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    counts_rows: bool

    @property
    def sql(self) -> str:
        """The table's name, quoted for SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @classmethod
    def find(cls, query: Query, target_table: str) -> TargetTable:
        """Look the table up.

        Raises:
            FatalError: there is none of that name, or it cannot take rows.
        """
        folded, exact = _as_sql_reads(target_table)
        rows = query(_FIND, (folded, exact))
        if not rows:
            raise FatalError(f"target table {target_table!r} does not exist; create it, or correct its name")
        oid, schema, name, kind = rows[0]
        if kind not in {"r", "p", "f"}:
            raise FatalError(f"target {target_table!r} is not a table; ingestion writes into tables")
        columns = tuple(Column(*row) for row in query(_COLUMNS, (oid,)))
        [(counts_rows,)] = query(_COUNTS_ROWS, (oid, oid))
        return cls(schema=schema, name=name, columns=columns, counts_rows=counts_rows)

    def copy_statement(
        self, columns: Sequence[Column], *, delimiter: str, encoding: str, quotes: bool = True
    ) -> str:
        """Return the COPY for these columns; an empty field of a column that is no text is NULL, quoted or not.

        Where no quote stands in what is sent, the server need not look for a quoted one in each field.
        """
        names = ", ".join(quoted(column.name) for column in columns)
        bare = ", ".join(quoted(column.name) for column in columns if quotes and not column.is_text)
        force_null = f", force_null ({bare})" if bare else ""
        options = f"format csv, delimiter {literal(delimiter)}, encoding {literal(encoding)}{force_null}"
        return f"copy {self.sql} ({names}) from stdin with ({options})"

    def sibling(self, suffix: str) -> str:
        """Return the quoted name of a table beside this one."""
        stem = self.name.encode()[: LONGEST_NAME - len(suffix)].decode(errors="ignore")
        return f"{quoted(self.schema)}.{quoted(stem + suffix)}"

    def is_empty(self, query: Query) -> bool:
        """Tell whether there is no row in it."""
        return not query(f"select 1 from {self.sql} limit 1", ())  # noqa: S608 - quoted

    def matched(self, header: Sequence[str]) -> list[Column]:
        """Return the columns that the header names, in its order.

        Raises:
            FatalError: a name is unknown, ambiguous or given twice, or a required column is missing.
        """
        by_name = {column.name: column for column in self.columns}
        by_folded = {column.name.lower(): column for column in self.columns}
        found = [by_name.get(name) or by_folded.get(name.lower()) for name in header]
        unknown = [name for name, column in zip(header, found, strict=True) if column is None]
        if unknown:
            raise FatalError(
                f"schema mismatch: {self.sql} has no column "
                f"{', '.join(map(repr, unknown))}{self._nearest(unknown[0])}; "
                f"its columns are {', '.join(by_name)}"
            )
        columns = [column for column in found if column is not None]
        twice = sorted({column.name for column in columns if columns.count(column) > 1})
        if twice:
            raise FatalError(f"schema mismatch: the header names {', '.join(twice)} more than once")
        computed = [column.name for column in columns if column.computed]
        if computed:
            raise FatalError(
                f"schema mismatch: {self.sql} computes {', '.join(computed)} itself; leave it out of the file"
            )
        missing = [column.name for column in self.columns if column.required and column not in columns]
        if missing:
            raise FatalError(
                f"schema mismatch: the file has no column {', '.join(missing)}, which {self.sql} requires "
                "(NOT NULL without a default)"
            )
        return columns

    def _nearest(self, name: str) -> str:
        nearest = difflib.get_close_matches(name.lower(), [column.name for column in self.columns], 1)
        return f" (did you mean {nearest[0]!r}?)" if nearest else ""


def _as_sql_reads(target_table: str) -> tuple[str, str]:
    """Return a table's name, quoted, first as SQL reads it, then as it is written.

    Raises:
        FatalError: it is not `name` or `schema.name`, each plain or in double quotes.
    """
    parts = _PART.findall(target_table)
    if not 1 <= len(parts) <= 2 or ".".join(parts) != target_table:
        raise FatalError(
            f"target_table {target_table!r} is no name of a table; expected 'name' or 'schema.name', "
            "for example 'raw.icustays'"
        )
    written = [part if part.startswith('"') else quoted(part) for part in parts]
    folded = [part if part.startswith('"') else quoted(part.lower()) for part in parts]
    return ".".join(folded), ".".join(written)
