"""Tables in which the runtime keeps records of its own, made when they are first needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.database.connection import sqlstate_of
from pytest_resilience.runtime.database.identifiers import quoted

_PLAIN = re.compile(r"[A-Za-z_]\w{0,62}(?:\.[A-Za-z_]\w{0,62})?")


def plain_name(name: str) -> str:
    """Return a plain name, read as SQL would read it, and quoted.

    Raises:
        FatalError: it is not `name` or `schema.name`.
    """
    if not _PLAIN.fullmatch(name):
        raise FatalError(f"a table of the runtime's own must be 'name' or 'schema.name', got {name!r}")
    return ".".join(quoted(part.lower()) for part in name.split("."))


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of the runtime's own, in PostgreSQL.

    Args:
        name: quoted for SQL.
        columns: how to make it.
    """

    name: str
    columns: str

    def ensure(self, cursor: Any) -> None:
        """Make the table if it is not there, in the transaction that is open.

        Raises:
            FatalError: it may not be made here.
        """
        cursor.execute("select to_regclass(%s) is null", (self.name,))
        row = cursor.fetchone()
        if not (next(iter(row.values())) if isinstance(row, dict) else row[0]):
            return
        statement = f"create table if not exists {self.name} ({self.columns})"
        try:
            cursor.execute("select pg_advisory_xact_lock(hashtext(%s))", (self.name,))  # two makers at once
            cursor.execute(statement)
        except Exception as error:
            if sqlstate_of(error) not in {"42501", "3F000", "25006"}:
                raise
            raise FatalError(
                f"table {self.name} cannot be made here (SQLSTATE {sqlstate_of(error)}); have its owner run: "
                f"{statement}; and grant select, insert, update and delete on it"
            ) from error
