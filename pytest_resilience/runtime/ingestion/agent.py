"""The agent that ingests a file into the database, and goes on where it was when the database is lost (policy §8)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.agent_result import AgentResult
from pytest_resilience.runtime.alerting.router import AlertRouter
from pytest_resilience.runtime.database_guard import DatabaseAwayError, DatabaseGuard
from pytest_resilience.runtime.error_log import StructuredErrorLogger
from pytest_resilience.runtime.ingestion.ingest import ingest_data_with_checkpoint
from pytest_resilience.runtime.ingestion.result import IngestionResult
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

logger = logging.getLogger("pytest_resilience.ingestion")


class DataIngestionAgent:
    """Ingest CSV files into existing tables, every row exactly once.

    When the database is lost the agent's guard waits and reconnects, and the ingestion goes on from its checkpoint
    (policy §6). Where that takes long on-call is paged and the agent pauses; it goes on by itself.

    Args:
        db_connection_string: where the database is.
        wait: seconds between a loss and the first try to reconnect; the next losses double it.
        max_retries: tries before on-call is paged, 1, 2, 4 … seconds apart.
        probe_every: seconds between two tries while the agent is paused.
        max_pause: seconds after which a paused agent gives up; the checkpoint is kept.
        max_losses: losses in ten minutes after which it gives up: a database that keeps going away needs a person.
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
        probe_every: float = 15.0,
        max_pause: float = 600.0,
        max_losses: int = 10,
        batch_size: int = 10_000,
        timeout: float = 60.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._dsn = db_connection_string
        self._wait = wait
        self._batch_size = batch_size
        self._timeout = timeout
        self._clock = clock
        self._errors = StructuredErrorLogger("pytest_resilience.ingestion")
        self._guard = DatabaseGuard(
            {"dsn": db_connection_string},
            alert=self._page,
            resolve=lambda severity, component: AlertRouter().resolve_alert(severity, component),
            wait=wait,
            max_retries=max_retries,
            probe_every=probe_every,
            max_pause=max_pause,
            max_losses=max_losses,
            clock=clock,
        )

    def execute(self, task: Mapping[str, Any]) -> AgentResult:
        """Ingest `task["source_file"]` into `task["target_table"]`.

        Returns:
            A result whose metadata says `recovered_from_error`, and how: `attempts`, `losses`, `rows`,
            `resumed_from`.
        """
        given: Mapping[str, Any] = {}
        if isinstance(task, Mapping):
            given = task
        run = _Run(given, correlation_id=str(given.get("correlation_id") or uuid4()))
        try:
            _require_mapping(task)
            done = self._ingest(run)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a result
            self._errors.log_error(error, run.context() | {"component": "data_pipeline"}, "HIGH")
            return AgentResult("DataIngestionAgent", run.metadata(), error)
        logger.info("ingestion done", extra=run.context() | {"rows": done.rows})
        facts = {"rows": done.rows, "rejected": done.rejected, "resumed_from": done.resumed_from}
        return AgentResult("DataIngestionAgent", run.metadata(recovered=run.losses > 0) | facts)

    def _ingest(self, run: _Run) -> IngestionResult:
        """Ingest through losses of the database, which its guard waits out, and what else may pass by itself."""
        return retry_with_exponential_backoff(
            lambda: self._guard.call(self._ingest_once, run),
            base_delay=self._wait,
            operation="ingest",
            clock=self._clock,
        )

    def _ingest_once(self, run: _Run) -> IngestionResult:
        source, table = run.required("source_file"), run.required("target_table")
        run.attempts += 1
        try:
            return ingest_data_with_checkpoint(
                source, table, dsn=self._dsn, batch_size=self._batch_size, timeout=self._timeout
            )
        except RetryableError as error:
            run.losses += 1
            logger.warning("ingestion interrupted: %s", error, extra=run.context(error))
            raise

    def _page(self, severity: str, component: str, message: str) -> None:
        """Wake somebody: the guard waits for a database that does not come back by itself."""
        context = {"operation": "ingest", "agent": "DataIngestionAgent", "component": component}
        self._errors.log_error(DatabaseAwayError(message), context, severity)


def _require_mapping(task: object) -> None:
    if not isinstance(task, Mapping):
        raise FatalError(
            f"The task is a {type(task).__name__}, not a mapping; it needs source_file and target_table."
        )


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
