"""One run over a file: each batch, its checkpoint and its rejects in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from pytest_resilience.clock import Clock
from pytest_resilience.errors import BusinessLogicError, FatalError, RetryableError
from pytest_resilience.runtime.database.connection import sqlstate_of
from pytest_resilience.runtime.database.postgres_session import PostgresSession
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.ingestion.csv_records import Batch, Position
from pytest_resilience.runtime.ingestion.csv_source import CsvSource
from pytest_resilience.runtime.ingestion.history import History
from pytest_resilience.runtime.ingestion.loader import BatchLoader, Loaded, blames_a_row
from pytest_resilience.runtime.ingestion.quality import QualityGate
from pytest_resilience.runtime.ingestion.rejects import RejectTable
from pytest_resilience.runtime.ingestion.state import IngestionState, timestamp
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

RUN_AGAIN = ("40001", "40P01")
"""Serialization failure and deadlock: the same batch may go in when it is sent again."""


class _CollidedError(RetryableError):
    """The batch collided with another transaction, and nothing of it is left."""


@dataclass(slots=True, kw_only=True)
class Run:
    """A run in progress.

    Args:
        session: the connection.
        source: the file.
        loader: sends batches.
        history: keeps the checkpoint.
        rejects: keeps wrong rows.
        gate: judges their share.
        state: what is committed.
        guard: limits the time of a batch.
        clock: where time comes from.
    """

    session: PostgresSession
    source: CsvSource
    loader: BatchLoader
    history: History
    rejects: RejectTable
    gate: QualityGate
    state: IngestionState
    guard: StallGuard
    clock: Clock
    batches: int = field(default=0, init=False)

    def over(self, batches: Iterable[tuple[Batch, int]], show: Callable[[IngestionState], None]) -> None:
        """Load batches, each with the checksum of the text up to its end, to the end of the file."""
        finished = False
        for batch, crc32 in batches:
            with self.guard.step("loading a batch"):
                self._load(batch, crc32)
            finished = batch.is_last
            show(self.state)
        if not finished:
            self._commit_end_of_an_empty_file()

    def _load(self, batch: Batch, crc32: int) -> None:
        retry_with_exponential_backoff(
            partial(self._try, batch, crc32),
            3,
            0.1,
            5.0,
            retriable_exceptions=(_CollidedError,),
            operation="load a batch",
            clock=self.clock,
        )

    def _try(self, batch: Batch, crc32: int) -> None:
        try:
            try:
                self._commit(batch, crc32, self.loader.load_whole)
            except Exception as error:
                if not blames_a_row(error):
                    raise
                self._commit(batch, crc32, self.loader.load_rows)
        except Exception as error:
            if sqlstate_of(error) in RUN_AGAIN:
                raise _CollidedError("the batch collided with another transaction") from error
            raise

    def _commit(self, batch: Batch, crc32: int, load: Callable[[Batch], Loaded]) -> None:
        loaded = Loaded(0)
        try:
            with self.session.transaction():
                loaded = load(batch)
                state = self._after(batch.end(), crc32, loaded)
                self.gate.judge(state, at_end=batch.is_last)
                self.rejects.keep(loaded.rejects)
                if batch.is_last:
                    self.history.finish(state)
                else:
                    self.history.save(state)
        except BusinessLogicError:
            with self.session.transaction():
                self.rejects.keep(loaded.rejects)
            raise
        self.state = state
        self.batches += 1

    def _after(self, place: Position, crc32: int, loaded: Loaded) -> IngestionState:
        if self.source.version() != self.state.version:
            raise FatalError(
                f"source file {self.source.name!r} was changed while it was being read (about row "
                f"{self.state.last_row}); bring it back as it was to go on, or see who writes to it"
            )
        return replace(
            self.state,
            last_row=self.state.last_row + loaded.rows,
            last_line=place.line,
            offset=place.offset,
            crc32=crc32,
            rejected=self.state.rejected + len(loaded.rejects),
            timestamp=timestamp(self.clock),
        )

    def _commit_end_of_an_empty_file(self) -> None:
        with self.session.transaction():
            self.gate.judge(self.state, at_end=True)
            self.history.finish(self.state)
