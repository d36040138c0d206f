"""Ingest one byte range of a file, wherever a worker happens to run."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.runtime.database.connect import connect
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.ahead import one_ahead
from pytest_resilience.runtime.ingestion.csv_records import Position
from pytest_resilience.runtime.ingestion.csv_source import FileVersion
from pytest_resilience.runtime.ingestion.history import History
from pytest_resilience.runtime.ingestion.plan import Part
from pytest_resilience.runtime.ingestion.quality import QualityGate
from pytest_resilience.runtime.ingestion.state import IngestionState
from pytest_resilience.runtime.ingestion.task import IngestionTask, explained_errors
from pytest_resilience.runtime.rules import data_quality_score

NO_FLOOR = QualityGate(data_quality_score.with_threshold(0.0))
"""The rule is for the whole file; a range is not judged by itself."""


class PartHistory(History):
    """The progress of one range; its end is a checkpoint that says so, and stays until the whole file has ended."""

    def finish(self, state: IngestionState) -> None:
        """Note the end of the range, in the transaction that is open."""
        self.save(replace(state, finished=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTask:
    """One range, to be ingested by whoever gets it.

    Args:
        task: the whole.
        dsn: where to connect; None means `DATABASE_URL` of that process.
        part: the range.
        operation: names its progress.
        version: of the file that was cut.
    """

    task: IngestionTask
    dsn: str | None
    part: Part
    operation: str
    version: FileVersion


def ingest_part(work: PartTask) -> tuple[IngestionState, int]:
    """Ingest one range to its end; return its final state, and how many batches that took. Safe to call again."""
    task, part, source = work.task, work.part, work.task.source()
    with (
        contextlib.closing(connect(work.dsn)) as made,
        StallGuard(made, task.timeout) as guard,
        explained_errors(session := PostgresSession(made), f"{task.name}, range {part.number}"),
    ):
        history = PartHistory(session, work.operation)
        with guard.step(task.name):
            table = task.table(session)
            history.lock()
        with history.held(guard, task.name):
            with guard.step(task.name), session.transaction():
                history.open()
                place = Position(part.offset, part.line)
                state = history.last() or task.state_at(place, 0, work.version, SYSTEM_CLOCK)
            if state.finished:
                return state, 0
            run = task.run(
                session=session,
                source=source,
                table=table,
                history=history,
                gate=NO_FLOOR,
                state=replace(state, size=work.version.size, modified_ns=work.version.modified_ns),
                guard=guard,
                clock=SYSTEM_CLOCK,
            )
            batches = source.batches(state.position, task.batch_size, state.crc32, end=part.end)
            with contextlib.closing(one_ahead(batches)) as ahead:
                run.over(ahead, lambda _state: None)
            return run.state, run.batches
