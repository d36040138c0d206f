"""MLflow goes away while a model is served: predictions go on, marked as the rule's, until the model is back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from icu_platform.serving_agent import ServingAgent
from icu_platform.training_agent import TrainingAgent
from pytest_resilience import deploy_model_with_rollback
from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.http_handle import HttpHandle

pytestmark = pytest.mark.chaos(proves=["external-calls", "breakers"])


@pytest.fixture
def model(mlflow_server: HttpHandle, biopsies: Path, request: pytest.FixtureRequest) -> str:
    """A model that was trained on real biopsies, deployed under this test's own name."""
    name = f"malignancy-{request.node.name}"
    trained = TrainingAgent(mlflow_server.direct_url, model_name=name).execute({"source_file": biopsies})
    assert trained.is_success(), trained.error
    deployed = deploy_model_with_rollback(
        name, trained.metadata["version"], tracking_uri=mlflow_server.direct_url
    )
    assert deployed["status"] == "success", deployed["error"]
    return name


@pytest.fixture
def sample(biopsies: Path) -> list[dict[str, Any]]:
    """Three biopsies without their diagnosis."""
    with biopsies.open(newline="") as stream:
        rows = [dict(row) for _, row in zip(range(3), csv.DictReader(stream), strict=False)]
    return [{k: float(v) for k, v in row.items() if k not in {"sample_id", "malignant"}} for row in rows]


def _refused(registry: HttpHandle) -> Fault:
    return registry.down()


def _hanging(registry: HttpHandle) -> Fault:
    return registry.timeout()


def _failing(registry: HttpHandle) -> Fault:
    return registry.at("GET /api/2.0/mlflow/registered-models/get", times=None).respond(503)


@pytest.mark.parametrize("outage", [_refused, _hanging, _failing])
def test_registry_out_while_a_model_is_loaded(
    mlflow_server: HttpHandle,
    model: str,
    sample: list[dict[str, Any]],
    outage: Callable[[HttpHandle], Fault],
) -> None:
    """Refused, hanging or failing: the rule answers, marked as such; when MLflow is back, the model answers."""
    agent = ServingAgent(mlflow_server.url, model_name=model)

    with outage(mlflow_server):
        during = agent.predict(sample)
    recovered = agent.recover()
    after = agent.predict(sample)

    assert (during.degraded, during.model_version) == (True, None)
    assert (recovered, after.degraded, after.model_version) == (True, False, "1")


def test_registry_out_after_the_model_was_loaded(
    mlflow_server: HttpHandle, model: str, sample: list[dict[str, Any]]
) -> None:
    """A model that is in memory goes on answering, registry or not."""
    agent = ServingAgent(mlflow_server.url, model_name=model, refresh=0.001)
    before = agent.predict(sample)

    with mlflow_server.down():
        during = agent.predict(sample)

    assert (before.model_version, during.model_version, during.degraded) == ("1", "1", False)
