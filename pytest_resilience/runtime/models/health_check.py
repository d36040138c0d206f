"""Check a registered version: it loads, and answers a sample and the golden requests as it should (policy §4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_resilience.errors import DeadlineExceededError, HealthCheckFailed, ResilienceError
from pytest_resilience.runtime.models.files import LoadedModel
from pytest_resilience.runtime.models.health import (
    LATENCY_LIMIT,
    GoldenRequest,
    check_golden,
    examine,
    require_terms,
)
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.models.single_flight import SingleFlight
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

LOAD_PATIENCE = 60.0
"""Seconds that fetching and loading a model may take."""


def run_model_health_check(
    model_name: str,
    version: int | str,
    *,
    sample: Any = None,
    golden: Sequence[GoldenRequest] = (),
    latency_limit: float = LATENCY_LIMIT,
    calls: int = 5,
    tracking_uri: str | None = None,
    registry: ModelRegistry | None = None,
) -> bool:
    """Prove that a version loads and answers one request in time, with one sane prediction a row (policy §4).

    Args:
        model_name: the registered model.
        version: the version to check.
        sample: what to predict; default: the input example that was logged with the model.
        golden: requests whose right answers are known.
        latency_limit: seconds that one prediction may take, in the median of `calls` after a warm-up.
        calls: how many calls are timed.
        tracking_uri: the MLflow server; default: `MLFLOW_TRACKING_URI`.
        registry: the server, as an object, instead of `tracking_uri`.

    Returns:
        True, always: what is not healthy raises.

    Raises:
        HealthCheckFailed: which check failed (`loads`, `sample`, `output`, `latency`, `golden`), the measured value
            and the limit.
        DeadlineExceededError: the deadline around this call is over.
        TypeError, ValueError: an argument makes no sense.
    """
    golden = tuple(golden)
    require_terms(latency_limit=latency_limit, calls=calls, golden=golden)
    loaded = _loaded(registry or ModelRegistry(tracking_uri), model_name, str(version))
    predict = loaded.model.predict
    examine(
        predict,
        loaded.sample if sample is None else sample,
        latency_limit=latency_limit,
        calls=calls,
    )
    for request in golden:
        check_golden(predict, request)
    return True


def _loaded(registry: ModelRegistry, model_name: str, version: str) -> LoadedModel:
    def load() -> LoadedModel:
        return retry_with_exponential_backoff(
            lambda: registry.load(model_name, version), max_retries=2, base_delay=0.5
        )

    flight = SingleFlight(load, name=f"Loading model {model_name!r} version {version}")
    try:
        return flight.join(LOAD_PATIENCE)
    except DeadlineExceededError:
        raise
    except ResilienceError as error:
        raise HealthCheckFailed(
            f"Model {model_name!r} version {version} does not load: {error}",
            check="loads",
            value=type(error).__name__,
        ) from error
