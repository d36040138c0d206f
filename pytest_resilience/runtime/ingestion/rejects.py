"""Rows that the target refused, kept beside it with the reason, for a person to look at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_resilience.runtime.database.own_table import OwnTable
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.ingestion.csv_source import FileVersion

_COLUMNS = """source_file text not null, source_version text not null, line bigint not null, row_text text not null,
sqlstate text not null, reason text not null, rejected_at timestamptz not null default now(),
primary key (source_file, source_version, line)"""

_KEEP = """
insert into {table} (source_file, source_version, line, row_text, sqlstate, reason)
select %s::text, %s::text, * from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
on conflict (source_file, source_version, line) do nothing
"""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that the target refused.

    Args:
        line: of the file, on which it begins (from 1).
        text: as it stands in the file.
        sqlstate: of the refusal.
        reason: in the server's words.
    """

    line: int
    text: bytes
    sqlstate: str
    reason: str


class RejectTable:
    """A table for refused rows; it is made when there is a first one.

    Args:
        session: where it is.
        table: its quoted name.
        source_file: where the rows come from.
        version: tells the file from later ones of the same name.
    """

    def __init__(
        self, session: PostgresSession, table: str, *, source_file: str, version: FileVersion
    ) -> None:
        self._session = session
        self._table = OwnTable(table, _COLUMNS)
        self._origin = (_readable(os.fsencode(source_file)), f"{version.size}-{version.modified_ns}")

    def keep(self, rejects: Sequence[Reject]) -> None:
        """Write the rows, in the transaction that is open; those that are there already stay."""
        if not rejects:
            return
        with self._session.cursor() as cursor:
            self._table.ensure(cursor)
        self._session.execute(
            _KEEP.format(table=self._table.name.replace("%", "%%")),
            (
                *self._origin,
                [reject.line for reject in rejects],
                [_readable(reject.text) for reject in rejects],
                [reject.sqlstate for reject in rejects],
                [reject.reason for reject in rejects],
            ),
        )


def _readable(text: bytes) -> str:
    """Return bytes as PostgreSQL can keep them as text."""
    return text.decode("utf-8", errors="backslashreplace").replace("\0", "\\x00")
