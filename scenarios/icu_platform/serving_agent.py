"""The agent that answers with the champion model, and with a rule while there is none to be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from icu_platform import breast_cancer
from pytest_resilience import (
    AgentResult,
    BusinessLogicError,
    CircuitBreaker,
    FatalError,
    ModelServer,
    ResilienceError,
    Severity,
    StructuredErrorLogger,
    recover_model_serving,
)
from pytest_resilience.runtime.models.mlflow_border import load_mlflow, without_warnings
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.rules import Rule, prediction_confidence


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
        base_delay: seconds before a failed look is repeated first; they double.
        refresh: seconds between looks for a newer champion.
        rule: how sure an answer must be to be given; default: the policy's 0.5.
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
        base_delay: float = 0.2,
        refresh: float = 30.0,
        rule: Rule = prediction_confidence,
    ) -> None:
        load_libraries()
        self.server = ModelServer(
            model_name,
            registry=ModelRegistry(tracking_uri, timeout=request_timeout),
            rule=breast_cancer.malignancy_by_rule,
            deadline=deadline,
            refresh=refresh,
            base_delay=base_delay,
            breaker=CircuitBreaker(
                failure_threshold,
                reset_timeout,
                ResilienceError,
                name=f"the registry of model {model_name!r}",
            ),
        )
        self._rule = rule
        self._errors = StructuredErrorLogger("icu_platform.errors")

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        """Answer for some samples, each a mapping with the table's 30 measures.

        Raises:
            FatalError: a measure is missing, or not a number.
            BusinessLogicError: an answer is not sure enough to be given.
        """
        prediction = self.server.predict(breast_cancer.as_table(rows))
        pairs = [[float(value) for value in pair] for pair in prediction.output]
        confidence = tuple(max(pair) for pair in pairs)
        self._rule(min(confidence, default=1.0), where="the least sure answer")
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
            context = {"operation": "predict", "resource": self.server.model_name, "agent": "ServingAgent"}
            context |= {"component": "ml_model", "correlation_id": correlation_id}
            self._errors.log_error(error, context, _severity_of(error))
            return AgentResult("ServingAgent", {"correlation_id": correlation_id}, error)
        facts = {"answer": answer, "degraded": answer.degraded, "model_version": answer.model_version}
        return AgentResult("ServingAgent", {"correlation_id": correlation_id, **facts})

    def recover(self) -> bool:
        """Try to bring the model back now; return whether a model answers."""
        return recover_model_serving(self.server.model_name, server=self.server)


def _severity_of(error: ResilienceError) -> Severity:
    """Return how bad it is: a sample that cannot be judged is its sender's matter, all else is ours."""
    return Severity.MEDIUM if isinstance(error, BusinessLogicError | FatalError) else Severity.HIGH


def load_libraries() -> None:
    """Import what the models are made of: it takes seconds, which no answer should wait for."""
    load_mlflow()
    with without_warnings():
        import sklearn.linear_model
        import sklearn.pipeline  # noqa: F401 - all imported for those who load the models
