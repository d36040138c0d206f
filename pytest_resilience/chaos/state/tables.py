"""The tables of a database: what they are made of, and which of their columns a comparison leaves out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape

from pytest_resilience.errors import HarnessError

BOOKKEEPING = (
    (
        "resilience_checkpoints",
        {"operation_id", "version", "state", "checksum", "saved_at"},
        {"operation_id", "version", "state", "checksum", "saved_at"},
    ),
    (
        "resilience_ingestions",
        {"operation_id", "version", "state", "checksum", "saved_at"},
        {"operation_id", "version", "state", "checksum", "saved_at"},
    ),
    ("resilience_commits", {"marker", "committed_at"}, {"committed_at"}),
    (
        "*_rejects",
        {"source_file", "source_version", "line", "row_text", "sqlstate", "reason", "rejected_at"},
        {"source_file", "source_version", "rejected_at"},
    ),
)
"""The runtime's own tables: name, the columns by which they are known, and those that hold times, or paths of the
working folder, which no two runs share (an operation's id is made of the file's path)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table that holds rows.

    Args:
        name: with its schema, quoted for SQL.
        schema, table: the same, as they are.
        columns: in the order of their names.
        surrogates: columns that a sequence fills, and those that refer to them.
        keys: what makes a row the one and only, the primary key first.
        populated: whether it can be read (a materialized view may not).
        size: bytes of its main file.
    """

    name: str
    schema: str
    table: str
    columns: tuple[str, ...]
    surrogates: frozenset[str]
    keys: tuple[tuple[str, ...], ...]
    populated: bool
    size: int

    @classmethod
    def from_catalog(cls, name: str, facts: str) -> Table:
        """Read one line of the catalog query."""
        read = json.loads(facts)
        columns = read["columns"] or []
        return cls(
            name=name,
            schema=read["schema"],
            table=read["table"],
            columns=tuple(column for column, _ in columns),
            surrogates=frozenset(column for column, is_surrogate in columns if is_surrogate),
            keys=tuple(tuple(key) for key in read["keys"] or []),
            populated=read["populated"],
            size=read["bytes"],
        )

    def masked(self, masks: Iterable[Mask], *, surrogates: bool) -> frozenset[str]:
        """Return the columns that a comparison leaves out."""
        declared = {column for column in self.columns for mask in masks if mask.covers(self, column)}
        own = {column for name, known, out in BOOKKEEPING if self._is(name, known) for column in out}
        return frozenset(declared | own | (self.surrogates if surrogates else frozenset()))

    def key_without(self, masked: frozenset[str]) -> tuple[str, ...] | None:
        """Return a key that has no masked column, or none."""
        return next((key for key in self.keys if not masked.intersection(key)), None)

    def _is(self, name: str, columns: set[str]) -> bool:
        return fnmatchcase(self.table, name) and columns <= set(self.columns)


@dataclass(frozen=True, slots=True)
class Mask:
    """Columns that differ from run to run; each part may be `*`, or have one in it."""

    schema: str
    table: str
    column: str

    @classmethod
    def parse(cls, text: str) -> Mask:
        """Read `schema.table.column`; a part may be quoted as in SQL.

        Raises:
            HarnessError: it has not three parts.
        """
        parts = [_unquoted(part) for part in _parts(text)]
        if len(parts) != 3 or not all(parts):
            raise HarnessError(
                f"mask {text!r} is not schema.table.column; write for example raw.stays.loaded_at"
            )
        return cls(*parts)

    def covers(self, table: Table, column: str) -> bool:
        """Tell whether it means that column."""
        pairs = ((table.schema, self.schema), (table.table, self.table), (column, self.column))
        return all(fnmatchcase(name, pattern) for name, pattern in pairs)


def _parts(text: str) -> Sequence[str]:
    """Split at the dots that are not in quotes."""
    parts, quoted = [""], False
    for character in text.strip():
        quoted ^= character == '"'
        if character == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _unquoted(part: str) -> str:
    if len(part) > 1 and part[0] == part[-1] == '"':
        return escape(part[1:-1].replace('""', '"'))
    return part
