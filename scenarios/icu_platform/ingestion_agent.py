"""The agent that ingests a file into the database, and goes on where it was when the database is lost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from icu_platform.result import AgentResult
from pytest_resilience import (
    FatalError,
    IngestionResult,
    RetryableError,
    Severity,
    StructuredErrorLogger,
    ingest_data_with_checkpoint,
    recover_database_connection,
)
from pytest_resilience.clock import SYSTEM_CLOCK, Clock

_log = logging.getLogger("icu_platform.ingestion")

LONGEST_WAIT = 60.0
"""Seconds between a loss and the first try to reconnect, however many losses came before."""


class DatabaseAwayError(FatalError):
    """Say that the database did not come back in the time that an agent waits for it."""


class DataIngestionAgent:
    """Ingest CSV files into existing tables, every row exactly once.

    When the database is lost it waits, reconnects, and goes on from the checkpoint (policy §6). A loss that follows on
    another doubles the wait: a database that answers and breaks again is not helped by haste.

    Args:
        db_connection_string: where the database is.
        wait: seconds between the first loss and the first try to reconnect.
        max_retries: tries to reconnect after each loss, 1, 2, 4 … seconds apart.
        max_losses: losses in one `execute` after which it gives up: a database that keeps going away needs a
            person.
        batch_size: rows a batch, each with its own checkpoint.
        timeout: seconds for a batch, after which the connection is taken for dead.
        clock: where time comes from.
    """

    def __init__(
        self,
        db_connection_string: str,
        *,
        wait: float = 5.0,
        max_retries: int = 3,
        max_losses: int = 10,
        batch_size: int = 10_000,
        timeout: float = 60.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if wait < 0:
            raise ValueError(f"wait must be 0 seconds or more, not {wait}")
        self._dsn = db_connection_string
        self._wait = wait
        self._max_retries = max_retries
        self._max_losses = max_losses
        self._batch_size = batch_size
        self._timeout = timeout
        self._clock = clock
        self._errors = StructuredErrorLogger("icu_platform.errors")

    def execute(self, task: Mapping[str, Any]) -> AgentResult:
        """Ingest `task["source_file"]` into `task["target_table"]`.

        Returns:
            A result whose metadata says `recovered_from_error`, and how: `attempts`, `losses`, `rows`,
            `resumed_from`.
        """
        run = _Run(task, correlation_id=str(task.get("correlation_id") or uuid4()))
        try:
            done = self._ingest(run)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a result
            severity, component = _judged(error)
            self._errors.log_error(error, run.context() | {"component": component}, severity)
            return AgentResult("DataIngestionAgent", run.metadata(), error)
        _log.info("ingestion done", extra=run.context() | {"rows": done.rows})
        facts = {"rows": done.rows, "rejected": done.rejected, "resumed_from": done.resumed_from}
        return AgentResult("DataIngestionAgent", run.metadata(recovered=run.losses > 0) | facts)

    def _ingest(self, run: _Run) -> IngestionResult:
        source, table = run.required("source_file"), run.required("target_table")
        while True:
            run.attempts += 1
            try:
                return ingest_data_with_checkpoint(
                    source, table, dsn=self._dsn, batch_size=self._batch_size, timeout=self._timeout
                )
            except RetryableError as error:
                run.losses += 1
                if run.losses > self._max_losses:
                    raise DatabaseAwayError(
                        f"The database was lost {run.losses} times in one ingestion. The checkpoint is kept: "
                        "find out what ends its connections, then run the same ingestion again."
                    ) from error
                self._await_database(run, error)

    def _await_database(self, run: _Run, error: RetryableError) -> None:
        wait = min(LONGEST_WAIT, self._wait * 2 ** (run.losses - 1))
        _log.warning("database lost: %s", error, extra=run.context(error) | {"wait": wait})
        self._clock.sleep(wait)
        if not recover_database_connection(
            {"dsn": self._dsn}, max_retries=self._max_retries, clock=self._clock
        ):
            raise DatabaseAwayError(
                f"The database did not come back within {self._max_retries} tries. The checkpoint is kept: "
                "once it is back, run the same ingestion again and it goes on from there."
            ) from error


@dataclass(slots=True)
class _Run:
    """One `execute`: what was asked, and what happened so far."""

    task: Mapping[str, Any]
    correlation_id: str
    attempts: int = 0
    losses: int = 0

    def required(self, key: str) -> Any:
        """Return what the task says of something that it has to say."""
        if not self.task.get(key):
            raise FatalError(
                f"The task has no {key!r} (it has {sorted(self.task) or 'nothing'}); "
                "it needs source_file and target_table."
            )
        return self.task[key]

    def metadata(self, *, recovered: bool = False) -> dict[str, Any]:
        """Return the facts of every result."""
        return {
            "recovered_from_error": recovered,
            "attempts": self.attempts,
            "losses": self.losses,
            "source_file": str(self.task.get("source_file")),
            "target_table": self.task.get("target_table"),
            "correlation_id": self.correlation_id,
        }

    def context(self, error: BaseException | None = None) -> dict[str, Any]:
        """Return the facts of every log record."""
        facts = {
            "operation": "ingest",
            "agent": "DataIngestionAgent",
            "resource": self.task.get("target_table"),
            "attempt": self.attempts,
            "source_file": str(self.task.get("source_file")),
            "correlation_id": self.correlation_id,
        }
        return facts if error is None else facts | {"error_type": type(error).__name__}


def _judged(error: Exception) -> tuple[Severity, str]:
    """Return how bad a failed ingestion is, and whose it is."""
    if isinstance(error, DatabaseAwayError):
        return Severity.CRITICAL, "database"
    return Severity.HIGH, "data_pipeline"
