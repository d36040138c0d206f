"""Ingestion: a CSV file into a PostgreSQL table, exactly once, however often it is interrupted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.arguments import seconds, whole_number
from pytest_resilience.runtime.database.connect import connect
from pytest_resilience.runtime.database.own_table import plain_name
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.ingestion.alone import ingest_alone
from pytest_resilience.runtime.ingestion.encodings import postgres_name
from pytest_resilience.runtime.ingestion.parts import ingest_in_parts
from pytest_resilience.runtime.ingestion.result import IngestionResult
from pytest_resilience.runtime.ingestion.task import IngestionTask, explained_errors
from pytest_resilience.runtime.rules import data_quality_score

BATCH_ROWS = 10_000


def ingest_data_with_checkpoint(  # noqa: PLR0913 - two are needed, the others are keywords
    source_file: str | os.PathLike[str],
    target_table: str,
    *,
    connection: Any = None,
    dsn: str | None = None,
    batch_size: int = BATCH_ROWS,
    delimiter: str = ",",
    encoding: str = "utf-8",
    quality_threshold: float = data_quality_score.threshold,
    reject_table: str | None = None,
    start_over: bool = False,
    timeout: float = 60.0,
    executor: Executor | None = None,
    partitions: int = 2,
    progress_bar: bool | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> IngestionResult:
    """Read a CSV file into a table in batches, each with its checkpoint in one transaction (policy §4).

    After a failure the checkpoint stays and the error is raised; the same call goes on from there. On
    success the checkpoint is deleted, and a note of the end is kept: as long as the table has rows, the same
    call for the same file does nothing. So every row of the file is in the table once, or among the rejects.

    Args:
        source_file: the file, plain or gzip; its first line names columns of the table.
        target_table: an existing table, `name` or `schema.name`. Its types and constraints say what a wrong row
            is.
        connection: an open connection of psycopg2, psycopg 3 or SQLAlchemy; what is open on it is committed
            first, and it is left open.
        dsn: where to connect instead; default: `DATABASE_URL`.
        batch_size: rows a batch.
        delimiter: one byte between two fields.
        encoding: of the file, as Python names it.
        quality_threshold: the least share of good rows (policy §2).
        reject_table: where wrong rows go; default: the target's name with `_rejects` behind it.
        start_over: forget what earlier runs did; the table is left as it is.
        timeout: seconds for a batch, after which the connection is cut.
        executor: of `concurrent.futures`, Dask or Ray: the file is cut into ranges, each ingested by a worker with a
            connection of its own. A worker must see the file under the same path.
        partitions: how many ranges, with `executor`.
        progress_bar: show one; default: on a terminal, if `rich` is installed.
        clock: where time comes from.

    Raises:
        TypeError, ValueError: an argument makes no sense.
        FatalError: the file, the table or the database's address is not there, the file does not fit the table
            or has changed since its ingestion began, or somebody else is ingesting it.
        RetryableError: the database was lost or did not answer; call again when it is back.
        BusinessLogicError: too many rows are wrong; the batch in which that became clear is not in the table.
    """
    whole_number("batch_size", batch_size, least=1)
    whole_number("partitions", partitions, least=1)
    seconds("timeout", timeout, zero=False)
    postgres_name(encoding)
    if not isinstance(target_table, str):
        raise TypeError(f"target_table must be the name of a table, got {target_table!r}")
    if not isinstance(delimiter, str):
        raise TypeError(f"delimiter must be one byte, as a text, got {delimiter!r}")
    data_quality_score.with_threshold(quality_threshold)
    task = IngestionTask(
        source_file=os.fspath(source_file),
        target_table=target_table,
        batch_size=batch_size,
        delimiter=delimiter,
        encoding=encoding,
        quality_threshold=quality_threshold,
        reject_table=plain_name(reject_table) if reject_table else None,
        start_over=start_over,
        timeout=timeout,
    )
    if executor is not None:
        if not callable(getattr(executor, "submit", None)):
            raise TypeError(
                f"executor must have `submit`, as those of concurrent.futures have, got {executor!r}"
            )
        if connection is not None:
            raise FatalError(
                "with executor= each worker makes a connection of its own; pass dsn= and no connection="
            )
        return ingest_in_parts(task, dsn, executor, partitions)
    task.source()
    with _session(connection, dsn) as session, explained_errors(session, task.name):
        return ingest_alone(task, session, progress_bar=progress_bar, clock=clock)


@contextlib.contextmanager
def _session(connection: Any, dsn: str | None) -> Iterator[PostgresSession]:
    if connection is not None:
        yield PostgresSession(connection)
        return
    with contextlib.closing(connect(dsn)) as made:
        yield PostgresSession(made)
