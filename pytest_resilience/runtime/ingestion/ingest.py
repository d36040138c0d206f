"""Ingestion: a CSV file into a PostgreSQL table, exactly once, however often it is interrupted."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, ResilienceError, RetryableError
from pytest_resilience.runtime.arguments import seconds, whole_number
from pytest_resilience.runtime.classify import translate
from pytest_resilience.runtime.database.connect import connect
from pytest_resilience.runtime.database.own_table import plain_name
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.ahead import one_ahead
from pytest_resilience.runtime.ingestion.csv_source import CsvSource, Header
from pytest_resilience.runtime.ingestion.history import History, operation_id
from pytest_resilience.runtime.ingestion.loader import BatchLoader
from pytest_resilience.runtime.ingestion.progress import shown_progress
from pytest_resilience.runtime.ingestion.quality import QualityGate
from pytest_resilience.runtime.ingestion.rejects import RejectTable
from pytest_resilience.runtime.ingestion.run import Run, timestamp
from pytest_resilience.runtime.ingestion.state import IngestionState
from pytest_resilience.runtime.ingestion.target_table import TargetTable
from pytest_resilience.runtime.rules import Rule, data_quality_score

logger = logging.getLogger(__name__)

BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionResult:
    """What has become of a file.

    Args:
        rows: rows of it that are in the table now, whichever run brought them.
        rejected: rows of it that the table refused; they are in the reject table, with reasons.
        resumed_from: rows that were behind this run when it began; 0 for a run from the beginning.
        batches: how many batches this run committed.
    """

    rows: int
    rejected: int
    resumed_from: int
    batches: int


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
    progress_bar: bool | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> IngestionResult:
    """Read a CSV file into a table in batches, each with its checkpoint in one transaction (policy §4).

    After a failure the checkpoint stays and the error is raised; the same call goes on from there. On
    success the checkpoint is deleted, and a note of the end is kept: as long as the table has rows, the same
    call for the same file does nothing. So every row of the file is in the table once, or among the rejects.

    Args:
        source_file: the file, plain or gzip; its first line names columns of the table.
        target_table: an existing table, `name` or `schema.name`. Its types and constraints say what a wrong
        row is.
        connection: an open connection of psycopg2, psycopg 3 or SQLAlchemy; what is open on it is committed
        first,
            and it is left open.
        dsn: where to connect instead; default: `DATABASE_URL`.
        batch_size: rows a batch.
        delimiter: one byte between two fields.
        encoding: of the file, as Python names it.
        quality_threshold: the least share of good rows (policy §2).
        reject_table: where wrong rows go; default: the target's name with `_rejects` behind it.
        start_over: forget what earlier runs did; the table is left as it is.
        timeout: seconds for a batch, after which the connection is cut.
        progress_bar: show one; default: on a terminal, if `rich` is installed.
        clock: where time comes from.

    Raises:
        FatalError: the file, the table or the database's address is not there, the file does not fit the table
            or has changed since its ingestion began, or somebody else is ingesting it.
        RetryableError: the database was lost or did not answer; call again when it is back.
        BusinessLogicError: too many rows are wrong; the batch in which that became clear is not in the table.
    """
    whole_number("batch_size", batch_size, least=1)
    seconds("timeout", timeout)
    task = _Task(
        source=CsvSource(source_file, delimiter=delimiter, encoding=encoding),
        target_table=target_table,
        batch_size=batch_size,
        rule=data_quality_score.with_threshold(quality_threshold),
        reject_table=plain_name(reject_table) if reject_table else None,
        start_over=start_over,
        timeout=timeout,
        progress_bar=progress_bar,
        clock=clock,
    )
    with _session(connection, dsn) as session, _errors(session, task.name):
        return task.run(session)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is to be ingested, and how."""

    source: CsvSource
    target_table: str
    batch_size: int
    rule: Rule
    reject_table: str | None
    start_over: bool
    timeout: float
    progress_bar: bool | None
    clock: Clock

    @property
    def name(self) -> str:
        return f"ingesting {self.source.name!r} into {self.target_table}"

    @property
    def path(self) -> str:
        return str(self.source.path.absolute())

    def run(self, session: PostgresSession) -> IngestionResult:
        with StallGuard(session.driver, self.timeout) as guard:
            with guard.step(self.name):
                table = self._found(session)
                header = self.source.header()
                columns = table.matched(header.names)
                history = History(session, operation_id(self.path, table.sql))
                history.lock()
            with contextlib.closing(history):
                with guard.step(self.name), session.transaction():
                    state = self._start(session, table, history, header)
                if state.finished:
                    return _result(state, resumed_from=state.last_row, batches=0)
                rejects = self.reject_table or table.sibling("_rejects")
                run = Run(
                    session=session,
                    source=self.source,
                    loader=BatchLoader(session, table, columns, self.source),
                    history=history,
                    rejects=RejectTable(session, rejects, source_file=self.path, version=state.version),
                    gate=QualityGate(self.rule, self._text_size(state)),
                    state=state,
                    guard=guard,
                    clock=self.clock,
                )
                return self._load(run)

    def _found(self, session: PostgresSession) -> TargetTable:
        session.end_open_transaction()
        with session.transaction():
            return TargetTable.find(session.query, self.target_table)

    def _start(
        self, session: PostgresSession, table: TargetTable, history: History, header: Header
    ) -> IngestionState:
        """Return where to begin: where an earlier run ended, or behind the header."""
        history.open()
        if self.start_over:
            history.forget()
        end = history.end(self.source)
        if end is not None and not table.is_empty(session.query):
            logger.warning(
                "%s: this file was ingested to its end at %s, nothing is done now; pass "
                "start_over=True to do it again",
                self.name,
                end.timestamp,
            )
            return end
        last = history.last(self.source)
        if last is not None and last.last_row > last.rejected and table.is_empty(session.query):
            raise FatalError(
                f"{self.name}: {last.last_row - last.rejected} rows are in by the checkpoint, and the "
                "table is empty; restore the table to go on, or pass start_over=True to begin anew"
            )
        return last or self._first_state(header)

    def _first_state(self, header: Header) -> IngestionState:
        version = self.source.version()
        return IngestionState(
            source_file=self.path,
            target_table=self.target_table,
            last_row=0,
            rejected=0,
            offset=header.end.offset,
            last_line=header.end.line,
            crc32=header.crc32,
            size=version.size,
            modified_ns=version.modified_ns,
            timestamp=timestamp(self.clock),
        )

    def _load(self, run: Run) -> IngestionResult:
        state = run.state
        logger.info("%s: begun at row %d", self.name, state.last_row, extra={"operation": "ingest"})
        batches = one_ahead(self.source.batches(state.position, self.batch_size, state.crc32))
        with (
            contextlib.closing(batches),
            shown_progress(
                self.name, text_size=self._text_size(state), bar=self.progress_bar, clock=self.clock
            ) as show,
        ):
            run.over(batches, show)
        result = _result(run.state, resumed_from=state.last_row, batches=run.batches)
        logger.info(
            "%s: finished, %d rows, %d rejected",
            self.name,
            result.rows,
            result.rejected,
            extra={"operation": "ingest"},
        )
        return result

    def _text_size(self, state: IngestionState) -> int | None:
        return None if self.source.is_gzip else state.size


def _result(state: IngestionState, *, resumed_from: int, batches: int) -> IngestionResult:
    return IngestionResult(
        rows=state.last_row - state.rejected,
        rejected=state.rejected,
        resumed_from=resumed_from,
        batches=batches,
    )


@contextlib.contextmanager
def _session(connection: Any, dsn: str | None) -> Iterator[PostgresSession]:
    if connection is not None:
        yield PostgresSession(connection)
        return
    with contextlib.closing(connect(dsn)) as made:
        yield PostgresSession(made)


@contextlib.contextmanager
def _errors(session: PostgresSession, what: str) -> Iterator[None]:
    """Say what a driver's error means for the ingestion, without the data that it may quote."""
    try:
        yield
    except ResilienceError:
        raise
    except Exception as error:
        if session.is_lost:
            raise RetryableError(
                f"{what}: the database was lost ({type(error).__name__}); what was committed is kept, "
                "run it again when the database is back, and it goes on from there"
            ) from error
        raise translate(error, what) from error
