"""Checkpoints as rows of PostgreSQL, written in the same transaction as the work that they speak of."""

from __future__ import annotations

import logging
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
from pytest_resilience.runtime.database.postgres_session import PostgresSession

logger = logging.getLogger(__name__)

TABLE = "resilience_checkpoints"

_SAVE = """
insert into {table} as held (operation_id, version, state, checksum) values (%s, %s, %s, %s)
on conflict (operation_id) do update
set (version, state, checksum, saved_at) = (excluded.version, excluded.state, excluded.checksum, now())
where held.version = %s
"""


class PostgresCheckpointStore:
    """Keep the checkpoints of operations in a table (policy §4).

    Each method is one transaction, except inside `session.transaction()`: there it is part of that one.

    Args:
        session: where the table is.
        table: its name; made if it is not there.
    """

    def __init__(self, session: PostgresSession | Any, *, table: str = TABLE) -> None:
        self._session = session if isinstance(session, PostgresSession) else PostgresSession(session)
        self._table = table
        self._seen: dict[str, int] = {}
        with self._session.transaction():
            self._session.execute(
                f"create table if not exists {table} (operation_id text primary key, version "
                f"bigint not null, "
                "state text not null, checksum text not null, saved_at timestamptz not null default now())"
            )

    def save_checkpoint(self, operation_id: str, state: State) -> None:
        """Make `state` the operation's checkpoint."""
        data = encoded(checked_id(operation_id), state)
        with self._session.transaction():
            self.write(operation_id, data)

    def write(self, operation_id: str, data: bytes) -> None:
        """Write a checkpoint in the transaction that is open."""
        seen = self._seen.get(operation_id, 0)
        changed = self._session.execute(
            _SAVE.format(table=self._table),
            (operation_id, seen + 1, data.decode(), checksum(data), seen),
        )
        if changed != 1:
            raise CheckpointConflictError(
                f"checkpoint {operation_id!r} was moved on by another writer (this one has seen "
                f"version {seen}); "
                "nothing of this batch is kept"
            )
        self._seen[operation_id] = seen + 1

    def load_checkpoint(self, operation_id: str) -> State | None:
        """Return the operation's state, or None when it has no checkpoint."""
        with self._session.transaction():
            rows = self._session.query(
                f"select version, state, checksum from {self._table} where operation_id = %s",  # noqa: S608
                (checked_id(operation_id),),
            )
        if not rows:
            self._seen[operation_id] = 0
            return None
        version, text, expected = rows[0]
        if checksum(text.encode()) != expected:
            raise CheckpointDamagedError(
                f"checkpoint {operation_id!r} in table {self._table} is damaged: its checksum does "
                f"not match. Compare "
                f"the target with its source, then delete the row to start from the beginning"
            )
        self._seen[operation_id] = version
        return decoded(text.encode())

    def delete_checkpoint(self, operation_id: str) -> None:
        """Forget the operation; safe to call when it has no checkpoint."""
        with self._session.transaction():
            self.erase(operation_id)

    def erase(self, operation_id: str) -> None:
        """Delete a checkpoint in the transaction that is open."""
        self._session.execute(
            f"delete from {self._table} where operation_id = %s",  # noqa: S608
            (checked_id(operation_id),),
        )
        self._seen.pop(operation_id, None)
