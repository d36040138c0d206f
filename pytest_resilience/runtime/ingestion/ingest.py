"""Ingestion: a CSV file into a PostgreSQL table, exactly once, however often it is interrupted."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.checkpoint.postgres import PostgresCheckpointStore
from pytest_resilience.runtime.checkpoint.store import encoded
from pytest_resilience.runtime.database.connection import sqlstate_of
from pytest_resilience.runtime.database.identifiers import quoted
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.probe import dsn_from_environment, plain_dsn
from pytest_resilience.runtime.ingestion.csv_records import Position
from pytest_resilience.runtime.ingestion.csv_source import CsvSource
from pytest_resilience.runtime.ingestion.target_table import TargetTable

logger = logging.getLogger(__name__)

BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionResult:
    """What an ingestion did.

    Args:
        rows: rows of the file that are in the table now.
        rejected: rows of the file that are not.
        resumed_from: row at which this run went on; 0 for a run from the beginning.
        batches: how many batches this run committed.
    """

    rows: int
    rejected: int
    resumed_from: int
    batches: int


def ingest_data_with_checkpoint(
    source_file: str | os.PathLike[str],
    target_table: str,
    *,
    connection: Any = None,
    dsn: str | None = None,
    batch_size: int = BATCH_ROWS,
) -> IngestionResult:
    """Read a CSV file into a table, in batches, each with a checkpoint in its own transaction (policy §4).

    After a failure the checkpoint stays and the error is raised: the same call goes on from there. On
    success the checkpoint is deleted.

    Args:
        source_file: the file, plain or gzip, with a header.
        target_table: an existing table, `name` or `schema.name`.
        connection: an open connection; it is left open.
        dsn: where to connect instead; default: `DATABASE_URL`.
        batch_size: rows a batch.

    Raises:
        FatalError: the file, the table or the address is not there, or the file does not fit the table.
        RetryableError: the database was lost; call again when it is back.
    """
    source = CsvSource(source_file)
    with _session(connection, dsn) as session:
        return _ingest(session, source, target_table, batch_size)


@contextlib.contextmanager
def _session(connection: Any, dsn: str | None) -> Iterator[PostgresSession]:
    if connection is not None:
        yield PostgresSession(connection)
        return
    address = dsn or dsn_from_environment()
    if address is None:
        raise FatalError(
            "no database to ingest into: pass connection= or dsn=, or set DATABASE_URL to its address, "
            "for example postgresql://user@host:5432/name"
        )
    import psycopg2

    try:
        opened = psycopg2.connect(plain_dsn(address), connect_timeout=10)
    except psycopg2.OperationalError as error:
        raise RetryableError(f"the database cannot be reached: {str(error).partition(chr(10))[0]}") from error
    with contextlib.closing(opened):
        yield PostgresSession(opened)


def _ingest(session: PostgresSession, source: CsvSource, target_table: str, rows: int) -> IngestionResult:
    try:
        return _run(session, source, target_table, rows)
    except Exception as error:
        if session.is_lost:
            raise RetryableError("the database was lost during ingestion; run it again to go on") from error
        state = sqlstate_of(error)
        if state is not None and state[:2] in {"22", "23"}:
            raise FatalError(f"the file does not fit {target_table}: SQLSTATE {state}") from error
        raise


def _run(session: PostgresSession, source: CsvSource, target_table: str, rows: int) -> IngestionResult:
    with session.transaction():
        table = TargetTable.find(session.query, target_table)
    header, first = source.header()
    columns = ", ".join(quoted(column.name) for column in table.matched(header))
    statement = f"copy {table.sql} ({columns}) from stdin with (format csv)"
    operation = _operation_id(source.path, table)
    checkpoints = PostgresCheckpointStore(session)
    state = checkpoints.load_checkpoint(operation)
    at = first
    if state is not None:
        if state["fingerprint"] != source.fingerprint():
            raise FatalError(f"source file {str(source.path)!r} has changed since its ingestion began")
        at = Position(state["offset"], state["last_line"], state["last_row"])
    resumed_from, batches = at.row, 0
    for batch in source.batches(at, rows):
        at = Position(batch.offset, batch.line, at.row + batch.rows)
        with session.transaction():
            taken = session.copy(statement, batch.data)
            if taken != batch.rows:
                raise FatalError(f"sent {batch.rows} rows, the server took {taken}")
            state = {
                "source_file": str(source.path.absolute()),
                "target_table": target_table,
                "last_row": at.row,
                "last_line": at.line,
                "offset": at.offset,
                "fingerprint": source.fingerprint(),
            }
            checkpoints.write(operation, encoded(operation, state))
        batches += 1
    checkpoints.delete_checkpoint(operation)
    return IngestionResult(rows=at.row, rejected=0, resumed_from=resumed_from, batches=batches)


def _operation_id(path: Path, table: TargetTable) -> str:
    place = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]
    return f"ingest-{path.name[:60]}-{place}-{table.schema}.{table.name}"[:190]
