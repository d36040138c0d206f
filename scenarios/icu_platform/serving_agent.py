"""The agent that answers with the champion model, and with a rule while there is none to be had."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from icu_platform import breast_cancer
from icu_platform.result import AgentResult
from pytest_resilience import (
    BusinessLogicError,
    CircuitBreaker,
    ModelServer,
    ResilienceError,
    RetryableError,
    recover_model_serving,
)
from pytest_resilience.runtime.models.registry import ModelRegistry

CONFIDENCE_LIMIT = 0.5
"""The least probability of the more probable outcome for an answer to be given (policy §2)."""

_log = logging.getLogger("icu_platform.serving")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform says of some samples.

    Args:
        malignant: one verdict a row.
        confidence: the probability of each verdict.
        model_version: the version that answered; None when the rule did.
        degraded: True when the rule answered.
        reason: why the rule answered.
    """

    malignant: tuple[bool, ...]
    confidence: tuple[float, ...]
    model_version: str | None
    degraded: bool
    reason: str | None


class ServingAgent:
    """Predict malignancy; answers within its deadline whether MLflow is up, refuses, or hangs.

    Args:
        tracking_uri: the MLflow server; default: `MLFLOW_TRACKING_URI`.
        model_name: the registered model.
        deadline: seconds that an answer waits at most for MLflow.
        request_timeout: seconds that one request to MLflow may take; MLflow counts whole seconds.
        failure_threshold: failed looks at the registry in a row, after which it is left alone.
        reset_timeout: seconds for which it is then left alone.
        refresh: seconds between looks for a newer champion.
        confidence_limit: answers less sure than this are refused.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        *,
        model_name: str = breast_cancer.MODEL_NAME,
        deadline: float = 5.0,
        request_timeout: float = 1.0,
        failure_threshold: int = 5,
        reset_timeout: float = 10.0,
        refresh: float = 30.0,
        confidence_limit: float = CONFIDENCE_LIMIT,
    ) -> None:
        self.server = ModelServer(
            model_name,
            registry=ModelRegistry(tracking_uri, timeout=request_timeout),
            rule=breast_cancer.malignancy_by_rule,
            deadline=deadline,
            refresh=refresh,
            breaker=CircuitBreaker(
                failure_threshold, reset_timeout, RetryableError, name=f"the registry of model {model_name!r}"
            ),
        )
        self._confidence_limit = confidence_limit

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        """Answer for some samples, each a mapping with the table's 30 measures.

        Raises:
            FatalError: a measure is missing, or not a number.
            BusinessLogicError: an answer is not sure enough to be given.
        """
        prediction = self.server.predict(breast_cancer.as_table(rows))
        pairs = [[float(value) for value in pair] for pair in prediction.output]
        confidence = tuple(max(pair) for pair in pairs)
        self._refuse_weak(confidence)
        return Answer(
            malignant=tuple(malignant >= benign for benign, malignant in pairs),
            confidence=confidence,
            model_version=prediction.model_version,
            degraded=prediction.degraded,
            reason=prediction.reason,
        )

    def execute(self, task: Mapping[str, Any]) -> AgentResult:
        """Answer for `task["rows"]`; the answer stands in the result's metadata."""
        correlation_id = str(task.get("correlation_id") or uuid4())
        try:
            answer = self.predict(task["rows"])
        except ResilienceError as error:
            _log.exception(
                "no prediction",
                extra={
                    "operation": "predict",
                    "error_type": type(error).__name__,
                    "resource": self.server.model_name,
                    "correlation_id": correlation_id,
                },
            )
            return AgentResult("ServingAgent", {"correlation_id": correlation_id}, error)
        facts = {"answer": answer, "degraded": answer.degraded, "model_version": answer.model_version}
        return AgentResult("ServingAgent", {"correlation_id": correlation_id, **facts})

    def recover(self) -> bool:
        """Try to bring the model back now; return whether a model answers."""
        return recover_model_serving(self.server.model_name, server=self.server)

    def _refuse_weak(self, confidence: Sequence[float]) -> None:
        weakest = min(confidence, default=1.0)
        if weakest < self._confidence_limit:
            raise BusinessLogicError(
                f"The least sure answer has a confidence of {weakest:.2f}; {self._confidence_limit} is "
                "required. Have a person look at the sample.",
                rule="prediction_confidence",
                value=weakest,
                threshold=self._confidence_limit,
            )
