"""What tells in a database who a patient is: social security numbers and names, which no log may hold."""

from __future__ import annotations

from typing import Any

from pytest_resilience.chaos.state.side import first_line, side_connection
from pytest_resilience.errors import HarnessError

SAMPLE = 5_000
"""Rows of a table that are looked at."""
MOST = 50
"""Values of one column."""
LEAST = 8
"""Characters of a name that is not by accident somewhere in a text."""
NUMBER = r"^\d{3}-\d{2}-\d{4}$"
"""The form of a social security number, whatever the column is called."""
NAMES = r"(^|_)(ssn|social_?security\w*|(patient|full|first|last|given|family)_?name|surname)($|_)"
"""Columns, and members of documents, of which every value tells it."""

_COLUMNS = """
select quote_ident(s.nspname) || '.' || quote_ident(c.relname), quote_ident(a.attname),
    s.nspname || '.' || c.relname || '.' || a.attname, a.attname ~* %(names)s, t.typname in ('json', 'jsonb')
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace s on s.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
where c.relkind in ('r', 'p') and not c.relispartition and s.nspname !~ '^pg_' and s.nspname <> 'information_schema'
and a.attnum > 0 and not a.attisdropped and (t.typcategory = 'S' or t.typname in ('json', 'jsonb'))
order by 3
"""
_VALUES = """
select distinct {column} from (select {column} from {table} limit {sample}) as sample
where {column} ~ %(number)s or (%(named)s and length({column}) >= %(least)s)
order by 1 limit %(most)s
"""
_MEMBERS = """
with nodes as (
    select jsonb_path_query({column}::jsonb, 'strict $.**') as node from {table}
    where {column}::text !~ '[\\\\]u0000' limit {sample}
), texts as (
    select '' as name, node #>> '{{}}' as value from nodes where jsonb_typeof(node) = 'string'
    union all
    select key, member #>> '{{}}'
    from nodes, jsonb_each(case jsonb_typeof(node) when 'object' then node end) as each(key, member)
    where jsonb_typeof(member) = 'string'
)
select distinct value from texts
where value ~ %(number)s or (name ~* %(names)s and length(value) >= %(least)s)
order by 1 limit %(most)s
"""
"""Texts inside documents: a member's name tells what a column's does. What no jsonb can be made of is left out."""


def read_identifiers(dsn: str) -> dict[str, str]:
    """Return values that tell who a patient is, by where they stand: `value 3 of public.stays.patient_ssn`.

    Args:
        dsn: the address around the proxy.

    Raises:
        HarnessError: the tables cannot be read.
    """
    import psycopg2

    with side_connection(dsn) as connection, connection.cursor() as cursor:
        try:
            return _found(cursor)
        except psycopg2.Error as error:
            raise HarnessError(f"The tables cannot be read: {first_line(error)}") from error


def _found(cursor: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    cursor.execute(_COLUMNS, {"names": NAMES})
    for table, column, name, named, is_document in cursor.fetchall():
        quoted = {"table": table.replace("%", "%%"), "column": column.replace("%", "%%")}
        query = (_MEMBERS if is_document else _VALUES).format(**quoted, sample=SAMPLE)
        looked_for = {"number": NUMBER, "named": named, "names": NAMES, "least": LEAST, "most": MOST}
        cursor.execute(query, looked_for)
        for number, (value,) in enumerate(cursor.fetchall(), 1):
            found[f"value {number} of {name}"] = value
    return found
