"""What earlier runs of an ingestion have left in the database: how far they came, or that they have finished."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.checkpoint.postgres import PostgresCheckpointStore
from pytest_resilience.runtime.checkpoint.store import CheckpointConflictError
from pytest_resilience.runtime.database.connection import sqlstate_of
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.csv_source import CsvSource
from pytest_resilience.runtime.ingestion.state import IngestionState
from pytest_resilience.runtime.ingestion.target_table import TargetTable

PLAN = "parts"
"""Only the checkpoint of a run in parts has this key."""
FINISHED = "resilience_ingestions"
PATIENCE = 10
"""Seconds to wait for another run; one that was killed frees its lock when the server notices."""
LOCK_NOT_AVAILABLE = "55P03"
_LOCKS = 1_380_271_949
"""Sets the runtime's advisory locks apart from others."""

_HOLDER = """
select a.pid, coalesce(a.client_addr::text, 'local'), a.application_name
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.classid::bigint = %s
and l.objid::bigint = (hashtext(%s)::bigint & 4294967295)
and l.database = (select oid from pg_database where datname = current_database())
"""

_ANY = f"select exists (select from {FINISHED})"  # noqa: S608 - the name is ours
_ENDS = f"select operation_id, version, state from {FINISHED}"  # noqa: S608 - the name is ours
_MAY_LOOK = "select has_any_column_privilege(%s, 'select')"
_FORGET = f"""
delete from {FINISHED} where operation_id = %s and version = %s and not exists (select from {{target}})
"""  # noqa: S608 - the names are ours, or quoted


def operation_id(source_file: str, target_sql: str) -> str:
    """Return the name under which a file and a table keep their progress."""
    digest = hashlib.sha256(f"{source_file}\0{target_sql}".encode(errors="surrogateescape")).hexdigest()[:16]
    words = re.sub(r"[^\w.-]+", "_", f"{source_file.rpartition('/')[2]}-{target_sql}", flags=re.ASCII)
    return f"ingest-{words[:120].strip('_.')}-{digest}"


def part_operation(operation: str, number: int) -> str:
    """Return the name under which a range of the file keeps its progress."""
    return f"{operation}-part-{number}"


class History:
    """The progress and the end of one operation; both are written in the transactions of its batches."""

    progress: PostgresCheckpointStore
    ended: PostgresCheckpointStore

    def __init__(self, session: PostgresSession, operation: str) -> None:
        self.session = session
        self.operation = operation

    def lock(self) -> None:
        """Keep others from running the operation, in a transaction of its own.

        Raises:
            CheckpointConflictError: somebody runs it.
        """
        try:
            with self.session.transaction():
                self.session.execute(f"set local lock_timeout = '{PATIENCE}s'")
                self.session.query("select pg_advisory_lock(%s, hashtext(%s))", (_LOCKS, self.operation))
        except Exception as error:
            if sqlstate_of(error) != LOCK_NOT_AVAILABLE:
                raise
            raise self._conflict() from error

    def open(self) -> None:
        """Make the tables, in the transaction that is open."""
        self.progress = PostgresCheckpointStore(self.session)
        self.ended = PostgresCheckpointStore(self.session, table=FINISHED)

    @contextlib.contextmanager
    def held(self, guard: StallGuard, name: str) -> Iterator[None]:
        """Let others run the operation when the block has ended; a database that does not answer is not waited for.

        Raises:
            RetryableError: it gave no answer.
        """
        try:
            yield
        finally:
            with guard.step(name):
                self.close()

    def close(self) -> None:
        """Let others run the operation; the end of the connection does that too."""
        if not self.session.is_lost:
            with self.session.transaction():
                self.session.query("select pg_advisory_unlock(%s, hashtext(%s))", (_LOCKS, self.operation))

    def end(self) -> IngestionState | None:
        """Return how a file of this name was ingested to its end, or None if none was."""
        return self._read(self.ended)

    def last(self) -> IngestionState | None:
        """Return how far an unfinished run came, or None if there is none.

        Raises:
            FatalError: an unfinished run was in parts.
        """
        return self._read(self.progress)

    def plan(self) -> dict[str, Any] | None:
        """Return the plan of an unfinished run in parts, or None if there is no unfinished run.

        Raises:
            FatalError: an unfinished run was not in parts.
        """
        state = self.progress.load_checkpoint(self.operation)
        if state is not None and PLAN not in state:
            raise self._other_kind("without executor=")
        return state

    def forget(self) -> None:
        """Delete all, in the transaction that is open."""
        state = self.progress.load_checkpoint(self.operation) or {}
        for part in state.get(PLAN, ()):
            self.progress.delete_checkpoint(part_operation(self.operation, part["number"]))
        self.progress.delete_checkpoint(self.operation)
        self.ended.delete_checkpoint(self.operation)

    def forget_ends_in_emptied(self, table: TargetTable) -> None:
        """Forget, in the transaction that is open, which files were ingested to their end, if the table is empty.

        Whoever has emptied it wants the rows of all of them back, and the first that comes again would hide that. An
        end that is noted meanwhile is kept: its rows are there.
        """
        query = self.session.query
        if (
            query(_ANY, ()) != [(True,)]
            or query(_MAY_LOOK, (table.sql,)) != [(True,)]
            or not table.is_empty(query)
        ):
            return
        for operation, version, text in query(_ENDS, ()):
            if _is_of(operation, text, table):
                self.session.execute(_FORGET.format(target=table.sql), (operation, version))

    def save(self, state: IngestionState) -> None:
        """Write a checkpoint, in the transaction that is open."""
        self.progress.save_checkpoint(self.operation, state.as_json())

    def finish(self, state: IngestionState) -> None:
        """Delete the checkpoint and note the end, in the transaction that is open.

        Without the note, a run that died before it could say that it had finished would begin anew.
        """
        self.progress.delete_checkpoint(self.operation)
        self.ended.save_checkpoint(self.operation, replace(state, finished=True).as_json())

    def _conflict(self) -> CheckpointConflictError:
        with self.session.transaction():
            holders = self.session.query(_HOLDER, (_LOCKS, self.operation))
        who = ", ".join(f"server process {pid} (client {where}, {name!r})" for pid, where, name in holders)
        return CheckpointConflictError(
            f"{self.operation} is being run by {who or 'another connection'}; wait until that has "
            "ended, or end it with select pg_terminate_backend(its number)"
        )

    def _read(self, store: PostgresCheckpointStore) -> IngestionState | None:
        state = store.load_checkpoint(self.operation)
        if state is not None and PLAN in state:
            raise self._other_kind("with executor=")
        return None if state is None else IngestionState.from_json(state)

    def _other_kind(self, how: str) -> FatalError:
        return FatalError(
            f"{self.operation} was begun {how} and has not ended; finish it so, or empty the table and pass "
            "start_over=True"
        )


def _is_of(operation: str, text: str, table: TargetTable) -> bool:
    """Tell whether an end is that of a file of this table; what is damaged is told to who needs it."""
    try:
        return operation == operation_id(json.loads(text)["source_file"], table.sql)
    except (ValueError, KeyError, TypeError):
        return False


def in_this_file(source: CsvSource, state: IngestionState) -> IngestionState | None:
    """Return the state with the file's present version, or None if what was read is not in the file any more.

    A file that was only touched, or copied to its place again, is read to be sure.
    """
    now = source.version()
    if now.size != state.size:
        return None
    if now.modified_ns == state.modified_ns or source.crc32(state.offset) == state.crc32:
        return replace(state, modified_ns=now.modified_ns)
    return None


def refuse_a_changed_file(source: CsvSource, state: IngestionState) -> IngestionState:
    """Return the state with the file's present version.

    Raises:
        FatalError: what was read is not in the file any more.
    """
    found = in_this_file(source, state)
    if found is None:
        raise FatalError(
            f"source file {source.name!r} has changed since its ingestion began (row {state.last_row}, "
            f"{state.timestamp}): what is in the table and what is in the file no longer belong together. "
            "Bring the old file back to finish, or empty the table and pass start_over=True"
        )
    return found
