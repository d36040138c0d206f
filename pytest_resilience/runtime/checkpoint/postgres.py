"""Checkpoints as rows of PostgreSQL, written in the same transaction as the work that they speak of."""

from __future__ import annotations

from typing import Any

from pytest_resilience.errors import CheckpointDamagedError
from pytest_resilience.runtime.checkpoint.store import (
    CheckpointConflictError,
    State,
    checked_id,
    checksum,
    decoded,
    encoded,
)
from pytest_resilience.runtime.database.own_table import OwnTable, plain_name
from pytest_resilience.runtime.database.postgres_session import PostgresSession

TABLE = "resilience_checkpoints"

_COLUMNS = """operation_id text primary key, version bigint not null, state text not null,
checksum text not null, saved_at timestamptz not null default now()"""

_SAVE = """
insert into {table} as held (operation_id, version, state, checksum) values (%s, %s, %s, %s)
on conflict (operation_id) do update
set version = excluded.version, state = excluded.state, checksum = excluded.checksum, saved_at = now()
where held.version = %s
"""
_LOAD = "select version, state, checksum from {table} where operation_id = %s"
_DELETE = "delete from {table} where operation_id = %s"


class PostgresCheckpointStore:
    """Keep the checkpoints of operations in a table (policy §4).

    Each method is a transaction of its own, or part of the one that is open on the connection. Versions
    fence off a second writer: who has not seen the newest version changes nothing, and work of the same
    transaction is rolled back with it.

    Args:
        connection: of psycopg2, psycopg 3, or SQLAlchemy over one of them.
        table: `name` or `schema.name`; made if it is not there.
    """

    def __init__(self, connection: Any, *, table: str = TABLE) -> None:
        self._session = connection if isinstance(connection, PostgresSession) else PostgresSession(connection)
        self._table = OwnTable(plain_name(table), _COLUMNS)
        self._save = _SAVE.format(table=self._table.name)
        self._seen: dict[str, int] = {}
        with self._session.transaction(), self._session.cursor() as cursor:
            self._table.ensure(cursor)

    def save_checkpoint(self, operation_id: str, state: State) -> None:
        """Make `state` the operation's checkpoint.

        Raises:
            CheckpointRefusedError: the id or the state cannot be kept; nothing was changed.
            CheckpointConflictError: another writer has saved since this one loaded or saved last.
        """
        data = encoded(checked_id(operation_id), state)
        seen = self._seen.get(operation_id, 0)
        saved = self._session.execute_alone(
            self._save, (operation_id, seen + 1, data.decode(), checksum(data), seen)
        )
        if saved != 1:
            raise CheckpointConflictError(
                f"checkpoint {operation_id!r} was moved on by another writer, this one has seen version "
                f"{seen or 'none'}; load it before saving, and see who else runs this operation"
            )
        self._seen[operation_id] = seen + 1
        self._session.on_rollback(lambda: self._seen.update({operation_id: seen}))

    def load_checkpoint(self, operation_id: str) -> State | None:
        """Return the operation's state, or None when it has no checkpoint.

        Raises:
            CheckpointDamagedError: the row's state does not have its checksum.
        """
        with self._session.transaction():
            rows = self._session.query(_LOAD.format(table=self._table.name), (checked_id(operation_id),))
        if not rows:
            self._seen[operation_id] = 0
            return None
        version, text, expected = rows[0]
        data = str(text).encode()
        if checksum(data) != expected:
            raise CheckpointDamagedError(
                f"checkpoint {operation_id!r} in table {self._table.name} is damaged: its state does "
                "not have its checksum. To start from the beginning, compare the target with its "
                f"source, then call delete_checkpoint({operation_id!r})"
            )
        self._seen[operation_id] = version
        return decoded(data)

    def delete_checkpoint(self, operation_id: str) -> None:
        """Forget the operation; safe to call when it has no checkpoint."""
        with self._session.transaction():
            self._session.execute(_DELETE.format(table=self._table.name), (checked_id(operation_id),))
        self._seen.pop(operation_id, None)
