"""What is to be ingested, and how; it can be sent to another process."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_resilience.clock import Clock
from pytest_resilience.errors import FatalError, ResilienceError, RetryableError
from pytest_resilience.runtime.classify import translate
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.csv_records import Position
from pytest_resilience.runtime.ingestion.csv_source import CsvSource, FileVersion
from pytest_resilience.runtime.ingestion.history import History
from pytest_resilience.runtime.ingestion.loader import BatchLoader
from pytest_resilience.runtime.ingestion.quality import QualityGate
from pytest_resilience.runtime.ingestion.rejects import RejectTable
from pytest_resilience.runtime.ingestion.run import Run
from pytest_resilience.runtime.ingestion.state import IngestionState, timestamp
from pytest_resilience.runtime.ingestion.target_table import TargetTable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionTask:
    """A file, a table and the settings of `ingest_data_with_checkpoint`."""

    source_file: str
    target_table: str
    batch_size: int
    delimiter: str
    encoding: str
    quality_threshold: float
    reject_table: str | None
    start_over: bool
    timeout: float

    @property
    def name(self) -> str:
        """What is being done, for messages."""
        return f"ingesting {self.source_file!r} into {self.target_table}"

    @property
    def path(self) -> str:
        """The file's absolute path, the same by whatever links it was found."""
        return str(Path(self.source_file).resolve())

    def source(self) -> CsvSource:
        """Open the file."""
        return CsvSource(self.source_file, delimiter=self.delimiter, encoding=self.encoding)

    def table(self, session: PostgresSession) -> TargetTable:
        """Find the table."""
        with session.transaction():
            return TargetTable.find(session.query, self.target_table)

    def first_state(self, source: CsvSource, clock: Clock) -> IngestionState:
        """Return the state of who has read the header and no row."""
        header = source.header()
        return self.state_at(header.end, header.crc32, source.version(), clock)

    def state_at(self, place: Position, crc32: int, version: FileVersion, clock: Clock) -> IngestionState:
        """Return the state of who is at a place, and has no row yet."""
        return IngestionState(
            source_file=self.path,
            target_table=self.target_table,
            last_row=0,
            rejected=0,
            offset=place.offset,
            last_line=place.line,
            crc32=crc32,
            size=version.size,
            modified_ns=version.modified_ns,
            timestamp=timestamp(clock),
        )

    def run(
        self,
        *,
        session: PostgresSession,
        source: CsvSource,
        table: TargetTable,
        history: History,
        gate: QualityGate,
        state: IngestionState,
        guard: StallGuard,
        clock: Clock,
    ) -> Run:
        """Return a run that goes on from a state."""
        rejects = self.reject_table or table.sibling("_rejects")
        return Run(
            session=session,
            source=source,
            loader=BatchLoader(session, table, table.matched(source.header().names), source),
            history=history,
            rejects=RejectTable(session, rejects, source_file=self.path, version=state.version),
            gate=gate,
            state=state,
            guard=guard,
            clock=clock,
        )

    def is_still_there(self, session: PostgresSession, table: TargetTable, end: IngestionState) -> bool:
        """Tell whether a file that was ingested to its end need not be ingested again, and say so."""
        if table.is_empty(session.query):
            return False
        logger.warning(
            "%s: this file was ingested to its end at %s, nothing is done now; pass start_over=True to do it again",
            self.name,
            end.timestamp,
        )
        return True

    def refuse_an_emptied_table(self, session: PostgresSession, table: TargetTable, rows: int) -> None:
        """Refuse to go on where rows should be in the table by the checkpoint, and there are none.

        Raises:
            FatalError: it is so.
        """
        if rows > 0 and table.is_empty(session.query):
            raise FatalError(
                f"{self.name}: {rows} rows are in by the checkpoint, and the table is empty; restore the table to "
                "go on, or pass start_over=True to begin anew"
            )


@contextlib.contextmanager
def explained_errors(session: PostgresSession, what: str) -> Iterator[None]:
    """Say what a driver's error means for the ingestion, without the data that it may quote."""
    try:
        yield
    except ResilienceError:
        raise
    except Exception as error:
        if session.is_lost:
            raise RetryableError(
                f"{what}: the database was lost ({type(error).__name__}); what was committed is kept, run it again "
                "when the database is back, and it goes on from there"
            ) from error
        raise translate(error, what) from error
