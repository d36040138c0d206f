"""Ingest a file over several connections: byte ranges, each with its own checkpoint, run on any executor.

A range is ingested like a whole file; one that is done stays done, whoever dies. The end of the file is noted when
all of them are.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from dataclasses import replace

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.database.connect import connect
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.csv_records import Position
from pytest_resilience.runtime.ingestion.csv_source import CsvSource, FileVersion
from pytest_resilience.runtime.ingestion.history import History, in_this_file, operation_id, part_operation
from pytest_resilience.runtime.ingestion.part import PartTask, ingest_part
from pytest_resilience.runtime.ingestion.plan import Part, Plan
from pytest_resilience.runtime.ingestion.quality import QualityGate
from pytest_resilience.runtime.ingestion.result import IngestionResult
from pytest_resilience.runtime.ingestion.state import IngestionState, timestamp
from pytest_resilience.runtime.ingestion.target_table import TargetTable
from pytest_resilience.runtime.ingestion.task import IngestionTask, explained_errors
from pytest_resilience.runtime.rules import data_quality_score

logger = logging.getLogger(__name__)


def ingest_in_parts(task: IngestionTask, dsn: str | None, executor: Executor, count: int) -> IngestionResult:
    """Ingest a file in ranges on an executor; go on with what earlier runs have left."""
    source = task.source()
    if source.is_gzip:
        raise FatalError(
            f"{source.name!r} is a gzip file, in which no worker can begin in the middle; unpack it first"
        )
    with (
        contextlib.closing(connect(dsn)) as made,
        StallGuard(made, task.timeout) as guard,
        explained_errors(session := PostgresSession(made), task.name),
    ):
        with guard.step(task.name):
            table = task.table(session)
            table.matched(source.header().names)
            history = History(session, operation_id(task.path, table.sql))
            history.lock()
        with history.held(guard, task.name):
            plan = _plan(task, session, table, history, source, guard, count)
            if isinstance(plan, IngestionState):
                return IngestionResult.of(plan, resumed_from=plan.last_row, batches=0)
            with guard.step(task.name), session.transaction():
                before = [_part_state(history, part) for part in plan.parts]
                rows = sum(state.last_row - state.rejected for state in before if state)
                task.refuse_an_emptied_table(session, table, rows)
            logger.info("%s: begun, %d ranges", task.name, len(plan.parts), extra={"operation": "ingest"})
            states = _run_parts(task, dsn, executor, plan, history.operation, before)
            with guard.step(task.name), session.transaction():
                return _end(task, history, plan, before, states)


def _plan(  # noqa: PLR0917 - what has been prepared
    task: IngestionTask,
    session: PostgresSession,
    table: TargetTable,
    history: History,
    source: CsvSource,
    guard: StallGuard,
    count: int,
) -> Plan | IngestionState:
    """Return the plan of an unfinished run, or a new one; or the end, if the file was ingested before."""
    with guard.step(task.name), session.transaction():
        history.open()
        if task.start_over:
            history.forget()
        history.forget_ends_in_emptied(table)
        end, kept = history.end(), history.plan()
    end = None if end is None else in_this_file(source, end)
    plan = Plan.make(source, count, task.batch_size) if kept is None else Plan.from_json(kept).of(source)
    with guard.step(task.name), session.transaction():
        if end is not None and task.is_still_there(session, table, end):
            return end
        if kept is None:
            history.progress.save_checkpoint(history.operation, plan.as_json())
    return plan


def _part_state(history: History, part: Part) -> IngestionState | None:
    state = history.progress.load_checkpoint(part_operation(history.operation, part.number))
    return None if state is None else IngestionState.from_json(state)


def _run_parts(
    task: IngestionTask,
    dsn: str | None,
    executor: Executor,
    plan: Plan,
    operation: str,
    before: Sequence[IngestionState | None],
) -> list[tuple[IngestionState, int]]:
    """Run the ranges that are not done; when all have ended, raise what the first of the failed ones raised."""
    version = FileVersion(plan.size, plan.modified_ns)
    futures: list[Future[tuple[IngestionState, int]]] = []
    for part, state in zip(plan.parts, before, strict=True):
        if state is not None and state.finished:
            done: Future[tuple[IngestionState, int]] = Future()
            done.set_result((state, 0))
            futures.append(done)
            continue
        name = part_operation(operation, part.number)
        futures.append(
            executor.submit(
                ingest_part, PartTask(task=task, dsn=dsn, part=part, operation=name, version=version)
            )
        )
    wait(futures)
    try:
        return [future.result() for future in futures]
    except BrokenExecutor as error:
        raise RetryableError(
            f"{task.name}: a worker died; what it had committed is kept, run it again with an executor that works"
        ) from error


def _end(
    task: IngestionTask,
    history: History,
    plan: Plan,
    before: Sequence[IngestionState | None],
    states: Sequence[tuple[IngestionState, int]],
) -> IngestionResult:
    """Judge the whole, and note its end, in the transaction that is open."""
    last = states[-1][0] if states else None
    total = task.state_at(
        last.position if last else Position(plan.size, 0),
        plan.crc32,
        FileVersion(plan.size, plan.modified_ns),
        SYSTEM_CLOCK,
    )
    total = replace(
        total,
        last_row=sum(state.last_row for state, _ in states),
        rejected=sum(state.rejected for state, _ in states),
        timestamp=timestamp(SYSTEM_CLOCK),
    )
    gate = QualityGate(data_quality_score.with_threshold(task.quality_threshold))
    gate.judge(total, at_end=True)
    for part in plan.parts:
        history.progress.delete_checkpoint(part_operation(history.operation, part.number))
    history.finish(total)
    result = IngestionResult.of(
        total,
        resumed_from=sum(state.last_row for state in before if state),
        batches=sum(batches for _, batches in states),
    )
    logger.info(
        "%s: finished, %d rows, %d rejected",
        task.name,
        result.rows,
        result.rejected,
        extra={"operation": "ingest"},
    )
    return result
