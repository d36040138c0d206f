"""Survive what production does to code: retry, breaker, rollback, checkpoint, alert and recover.

The public names below are loaded on first use; importing this package imports the standard library only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_resilience.errors import AttemptTimeoutError as AttemptTimeoutError
    from pytest_resilience.errors import BusinessLogicError as BusinessLogicError
    from pytest_resilience.errors import CheckpointDamagedError as CheckpointDamagedError
    from pytest_resilience.errors import CircuitBreakerOpenError as CircuitBreakerOpenError
    from pytest_resilience.errors import DeadlineExceededError as DeadlineExceededError
    from pytest_resilience.errors import FatalError as FatalError
    from pytest_resilience.errors import HealthCheckFailed as HealthCheckFailed
    from pytest_resilience.errors import ResilienceError as ResilienceError
    from pytest_resilience.errors import RetryableError as RetryableError
    from pytest_resilience.errors import Severity as Severity
    from pytest_resilience.runtime.agent_result import AgentResult as AgentResult
    from pytest_resilience.runtime.alerting.router import AlertRouter as AlertRouter
    from pytest_resilience.runtime.backoff import ExponentialBackoff as ExponentialBackoff
    from pytest_resilience.runtime.backoff import FixedDelay as FixedDelay
    from pytest_resilience.runtime.breaker import CircuitBreaker as CircuitBreaker
    from pytest_resilience.runtime.breaker import CircuitState as CircuitState
    from pytest_resilience.runtime.breaker_registry import BreakerRegistry as BreakerRegistry
    from pytest_resilience.runtime.budget import RetryBudget as RetryBudget
    from pytest_resilience.runtime.checkpoint.manager import CheckpointManager as CheckpointManager
    from pytest_resilience.runtime.checkpoint.postgres import (
        PostgresCheckpointStore as PostgresCheckpointStore,
    )
    from pytest_resilience.runtime.checkpoint.store import CheckpointConflictError as CheckpointConflictError
    from pytest_resilience.runtime.checkpoint.store import CheckpointRefusedError as CheckpointRefusedError
    from pytest_resilience.runtime.checkpoint.store import CheckpointStore as CheckpointStore
    from pytest_resilience.runtime.classify import Classifier as Classifier
    from pytest_resilience.runtime.classify import classify as classify
    from pytest_resilience.runtime.classify import translated_errors as translated_errors
    from pytest_resilience.runtime.correlation import operation as operation
    from pytest_resilience.runtime.database.commit_marker import CommitMarker as CommitMarker
    from pytest_resilience.runtime.database.outcome import TransactionOutcome as TransactionOutcome
    from pytest_resilience.runtime.database_guard import DatabaseAwayError as DatabaseAwayError
    from pytest_resilience.runtime.database_guard import DatabaseGuard as DatabaseGuard
    from pytest_resilience.runtime.database_recovery import (
        recover_database_connection as recover_database_connection,
    )
    from pytest_resilience.runtime.deadline import Deadline as Deadline
    from pytest_resilience.runtime.deadline import remaining_time as remaining_time
    from pytest_resilience.runtime.deployment import deploy_model_with_rollback as deploy_model_with_rollback
    from pytest_resilience.runtime.deployment import deployment_ledger as deployment_ledger
    from pytest_resilience.runtime.deployment import rollback_model as rollback_model
    from pytest_resilience.runtime.error_log import StructuredErrorLogger as StructuredErrorLogger
    from pytest_resilience.runtime.foreign.verdict import Verdict as Verdict
    from pytest_resilience.runtime.handover import connect_timeout as connect_timeout
    from pytest_resilience.runtime.handover import http_timeout as http_timeout
    from pytest_resilience.runtime.handover import libpq_limits as libpq_limits
    from pytest_resilience.runtime.handover import limit_statements as limit_statements
    from pytest_resilience.runtime.handover import statement_timeout as statement_timeout
    from pytest_resilience.runtime.idempotency import idempotency_key as idempotency_key
    from pytest_resilience.runtime.ingestion.agent import DataIngestionAgent as DataIngestionAgent
    from pytest_resilience.runtime.ingestion.ingest import (
        ingest_data_with_checkpoint as ingest_data_with_checkpoint,
    )
    from pytest_resilience.runtime.ingestion.result import IngestionResult as IngestionResult
    from pytest_resilience.runtime.models.health import GoldenRequest as GoldenRequest
    from pytest_resilience.runtime.models.health_check import run_model_health_check as run_model_health_check
    from pytest_resilience.runtime.models.prediction import Prediction as Prediction
    from pytest_resilience.runtime.models.server import ModelServer as ModelServer
    from pytest_resilience.runtime.pipeline import Degraded as Degraded
    from pytest_resilience.runtime.pipeline import Pipeline as Pipeline
    from pytest_resilience.runtime.redaction import Redactor as Redactor
    from pytest_resilience.runtime.retry import retry as retry
    from pytest_resilience.runtime.retry import (
        retry_with_exponential_backoff as retry_with_exponential_backoff,
    )
    from pytest_resilience.runtime.retry import retry_with_fixed_delay as retry_with_fixed_delay
    from pytest_resilience.runtime.retry_policy import Retry as Retry
    from pytest_resilience.runtime.rules import data_quality_score as data_quality_score
    from pytest_resilience.runtime.rules import feature_completeness as feature_completeness
    from pytest_resilience.runtime.rules import model_auroc as model_auroc
    from pytest_resilience.runtime.rules import prediction_confidence as prediction_confidence
    from pytest_resilience.runtime.serving_recovery import (
        enable_fallback_predictions as enable_fallback_predictions,
    )
    from pytest_resilience.runtime.serving_recovery import recover_model_serving as recover_model_serving
    from pytest_resilience.runtime.transaction import execute_with_rollback as execute_with_rollback
    from pytest_resilience.runtime.transaction import run_in_transaction as run_in_transaction

_HOMES = {
    "runtime.agent_result": ("AgentResult",),
    "runtime.alerting.router": ("AlertRouter",),
    "runtime.correlation": ("operation",),
    "runtime.error_log": ("StructuredErrorLogger",),
    "runtime.redaction": ("Redactor",),
    "errors": (
        "AttemptTimeoutError",
        "BusinessLogicError",
        "CheckpointDamagedError",
        "CircuitBreakerOpenError",
        "DeadlineExceededError",
        "FatalError",
        "HealthCheckFailed",
        "ResilienceError",
        "RetryableError",
        "Severity",
    ),
    "runtime.breaker": (
        "CircuitBreaker",
        "CircuitState",
    ),
    "runtime.deployment": (
        "deploy_model_with_rollback",
        "deployment_ledger",
        "rollback_model",
    ),
    "runtime.models.health": ("GoldenRequest",),
    "runtime.models.health_check": ("run_model_health_check",),
    "runtime.models.prediction": ("Prediction",),
    "runtime.models.server": ("ModelServer",),
    "runtime.pipeline": ("Degraded", "Pipeline"),
    "runtime.retry": (
        "retry",
        "retry_with_exponential_backoff",
        "retry_with_fixed_delay",
    ),
    "runtime.retry_policy": ("Retry",),
    "runtime.deadline": ("Deadline", "remaining_time"),
    "runtime.backoff": ("ExponentialBackoff", "FixedDelay"),
    "runtime.budget": ("RetryBudget",),
    "runtime.breaker_registry": ("BreakerRegistry",),
    "runtime.classify": ("Classifier", "classify", "translated_errors"),
    "runtime.serving_recovery": (
        "enable_fallback_predictions",
        "recover_model_serving",
    ),
    "runtime.checkpoint.store": ("CheckpointConflictError", "CheckpointRefusedError", "CheckpointStore"),
    "runtime.checkpoint.manager": ("CheckpointManager",),
    "runtime.checkpoint.postgres": ("PostgresCheckpointStore",),
    "runtime.database.commit_marker": ("CommitMarker",),
    "runtime.database.outcome": ("TransactionOutcome",),
    "runtime.database_guard": ("DatabaseAwayError", "DatabaseGuard"),
    "runtime.database_recovery": ("recover_database_connection",),
    "runtime.ingestion.agent": ("DataIngestionAgent",),
    "runtime.ingestion.ingest": ("ingest_data_with_checkpoint",),
    "runtime.ingestion.result": ("IngestionResult",),
    "runtime.transaction": ("execute_with_rollback", "run_in_transaction"),
    "runtime.foreign.verdict": ("Verdict",),
    "runtime.handover": (
        "connect_timeout",
        "http_timeout",
        "libpq_limits",
        "limit_statements",
        "statement_timeout",
    ),
    "runtime.idempotency": ("idempotency_key",),
    "runtime.rules": ("data_quality_score", "feature_completeness", "model_auroc", "prediction_confidence"),
}
"""Which module of this package each public name lives in."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]  # noqa: PLE0604 - the names stand once, in _HOMES, and are strings
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'pytest_resilience' has no attribute {name!r}")
    value = getattr(import_module(f"pytest_resilience.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
