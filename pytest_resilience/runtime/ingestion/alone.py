"""Ingest a file over one connection, from its beginning to its end."""

from __future__ import annotations

import contextlib
import logging

from pytest_resilience.clock import Clock
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.ahead import one_ahead
from pytest_resilience.runtime.ingestion.csv_source import CsvSource
from pytest_resilience.runtime.ingestion.history import (
    History,
    in_this_file,
    operation_id,
    refuse_a_changed_file,
)
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
            columns = table.matched(source.header().names)
            history = History(session, operation_id(task.path, table.sql))
            history.lock()
        with history.held(guard, task.name):
            state = _start(task, session, table, history, source, guard) or task.first_state(source, clock)
            if state.finished:
                return IngestionResult.of(state, resumed_from=state.last_row, batches=0)
            text_size = None if source.is_gzip else state.size
            run = task.run(
                session=session,
                source=source,
                table=table,
                history=history,
                gate=QualityGate(
                    data_quality_score.with_threshold(task.quality_threshold),
                    text_size,
                    shortest_row=len(columns) + sum(column.required for column in columns),
                ),
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
    guard: StallGuard,
) -> IngestionState | None:
    """Return where an earlier run ended; None for the beginning. The file is read without a transaction open."""
    with guard.step(task.name), session.transaction():
        history.open()
        if task.start_over:
            history.forget()
        history.forget_ends_in_emptied(table)
        end, last = history.end(), history.last()
    end = None if end is None else in_this_file(source, end)
    last = None if last is None else refuse_a_changed_file(source, last)
    with guard.step(task.name), session.transaction():
        if end is not None and task.is_still_there(session, table, end):
            return end
        if last is not None:
            task.refuse_an_emptied_table(session, table, last.last_row - last.rejected)
    return last


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
