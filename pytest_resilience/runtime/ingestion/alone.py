"""Ingest a file over one connection, from its beginning to its end."""

from __future__ import annotations

import contextlib
import logging

from pytest_resilience.clock import Clock
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.ahead import one_ahead
from pytest_resilience.runtime.ingestion.csv_source import CsvSource
from pytest_resilience.runtime.ingestion.history import History, operation_id
from pytest_resilience.runtime.ingestion.progress import Show, shown_progress
from pytest_resilience.runtime.ingestion.quality import QualityGate
from pytest_resilience.runtime.ingestion.result import IngestionResult
from pytest_resilience.runtime.ingestion.run import Run
from pytest_resilience.runtime.ingestion.state import IngestionState
from pytest_resilience.runtime.ingestion.target_table import TargetTable
from pytest_resilience.runtime.ingestion.task import IngestionTask
from pytest_resilience.runtime.rules import data_quality_score

logger = logging.getLogger(__name__)


def ingest_alone(
    task: IngestionTask, session: PostgresSession, *, progress_bar: bool | None, clock: Clock
) -> IngestionResult:
    """Go on where the last run ended, to the end of the file."""
    source = task.source()
    with StallGuard(session.driver, task.timeout) as guard:
        with guard.step(task.name):
            session.end_open_transaction()
            table = task.table(session)
            table.matched(source.header().names)
            history = History(session, operation_id(task.path, table.sql))
            history.lock()
        with contextlib.closing(history):
            with guard.step(task.name), session.transaction():
                state = _start(task, session, table, history, source, clock)
            if state.finished:
                return IngestionResult.of(state, resumed_from=state.last_row, batches=0)
            text_size = None if source.is_gzip else state.size
            run = task.run(
                session=session,
                source=source,
                table=table,
                history=history,
                gate=QualityGate(data_quality_score.with_threshold(task.quality_threshold), text_size),
                state=state,
                guard=guard,
                clock=clock,
            )
            with shown_progress(task.name, text_size=text_size, bar=progress_bar, clock=clock) as show:
                return _load(task, run, show)


def _start(
    task: IngestionTask,
    session: PostgresSession,
    table: TargetTable,
    history: History,
    source: CsvSource,
    clock: Clock,
) -> IngestionState:
    """Return where to begin: where an earlier run ended, or behind the header."""
    history.open()
    if task.start_over:
        history.forget()
    end = task.ended_before(session, table, history, source)
    if end is not None:
        return end
    last = history.last(source)
    if last is not None:
        task.refuse_an_emptied_table(session, table, last.last_row - last.rejected)
        return last
    header = source.header()
    return task.first_state(header.end, header.crc32, source.version(), clock)


def _load(task: IngestionTask, run: Run, show: Show) -> IngestionResult:
    state = run.state
    logger.info("%s: begun at row %d", task.name, state.last_row, extra={"operation": "ingest"})
    with contextlib.closing(
        one_ahead(run.source.batches(state.position, task.batch_size, state.crc32))
    ) as batches:
        run.over(batches, show)
    result = IngestionResult.of(run.state, resumed_from=state.last_row, batches=run.batches)
    logger.info(
        "%s: finished, %d rows, %d rejected",
        task.name,
        result.rows,
        result.rejected,
        extra={"operation": "ingest"},
    )
    return result
