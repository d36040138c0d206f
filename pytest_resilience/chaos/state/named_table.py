"""A declared table, found in a database by its name as people write it, and the columns of its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_resilience.chaos.configuration.model import ExactlyOnce
from pytest_resilience.errors import HarnessError

_COLUMNS = """
select attname, quote_ident(attname),
    format_type(atttypid, case when typcategory in ('S', 'V') then -1 else atttypmod end), typcategory = 'S'
from pg_attribute join pg_type t on t.oid = atttypid
where attrelid = %s and attnum > 0 and not attisdropped
"""  # a cast to a text type with a length would cut what is too long


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the key: its name, quoted, its type, and whether that is a text."""

    name: str
    type: str
    is_text: bool


class NotThereError(HarnessError):
    """Say that the table, or a column of it, is not there."""


def found(cursor: Any, declaration: ExactlyOnce) -> tuple[str, list[Column]]:
    """Return the table and the columns of its key, quoted for SQL.

    Raises:
        NotThereError: there is none, or it is not clear which one is meant.
    """
    oid, table = _table(cursor, declaration.table)
    cursor.execute(_COLUMNS, (oid,))
    columns = {name: Column(*facts) for name, *facts in cursor.fetchall()}
    folded = {name.casefold(): column for name, column in columns.items()}
    found = [columns.get(name) or folded.get(name.casefold()) for name in declaration.key]
    if None in found:
        missing = [name for name, column in zip(declaration.key, found, strict=True) if column is None]
        raise NotThereError(
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
        raise NotThereError(f"{name} is not there: no such table")
    if found[0][2] and len(found) > 1:
        raise NotThereError(f"{name} is not clear: there are {', '.join(row[1] for row in found)}")
    return found[0][0], found[0][1]


def _is_plain(name: str) -> bool:
    """Tell whether `to_regclass` can read it: it raises an error for what is no name."""
    return bool(name) and name.count('"') % 2 == 0 and all(part.strip() for part in name.split("."))
