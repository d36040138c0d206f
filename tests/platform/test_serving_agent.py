"""The serving agent answers by the champion, or by its rule and says so, whatever becomes of MLflow."""

from __future__ import annotations

import pytest

from icu_platform import ServingAgent
from pytest_resilience import BusinessLogicError, FatalError
from pytest_resilience.runtime.models.fallback import FALLBACKS
from pytest_resilience.runtime.rules import prediction_confidence


@pytest.fixture
def agent(mlflow_server, champion):
    """Return a function that makes an agent of the champion, through the proxy."""

    def agent(**settings):
        settings = {"deadline": 30.0, "reset_timeout": 0.01} | settings
        return ServingAgent(mlflow_server.url, model_name=champion, **settings)

    yield agent
    FALLBACKS.disable(champion)


def test_the_champion_answers(agent, samples):
    """Answers come from a version, are sure, and right."""
    answer = agent().predict(samples)

    assert (answer.model_version, answer.degraded) == ("1", False)
    assert answer.malignant == (True, True, True)
    assert min(answer.confidence) > 0.9


@pytest.mark.parametrize(
    "fault",
    [
        lambda mlflow: mlflow.down(),
        lambda mlflow: mlflow.timeout(),
        lambda mlflow: mlflow.at("GET /api/2.0/mlflow/registered-models/get", times=None).respond(503),
        lambda mlflow: mlflow.at("GET /api/2.0/mlflow/registered-models/get", times=None).respond(
            200, headers={"Content-Type": "text/html"}, body="<html>"
        ),
        lambda mlflow: mlflow.at("GET /api/2.0/mlflow/registered-models/get", times=None).reset(),
    ],
    ids=["refused", "hanging", "503", "html", "reset"],
)
def test_without_mlflow_the_rule_answers(fault, agent, mlflow_server, samples):
    """While it cannot be loaded the answer is the rule's, marked, without a version; then the model is back."""
    served = agent(deadline=10.0)
    with fault(mlflow_server):
        answer = served.predict(samples)

        assert (answer.model_version, answer.degraded) == (None, True)
        assert answer.malignant == (True, True, True)
        assert answer.reason

    assert served.recover()
    assert served.predict(samples).model_version == "1"


def test_it_recovers_by_itself(agent, mlflow_server, samples):
    """Nobody has to tell it that MLflow is back: a later prediction finds out."""
    served = agent(request_timeout=30.0)
    with mlflow_server.down():
        assert served.predict(samples).degraded

    assert not served.predict(samples).degraded


def test_what_is_in_memory_stays_in_use(agent, mlflow_server, samples):
    """An outage after the load changes nothing about the answers."""
    served = agent(refresh=0.001)
    served.predict(samples)
    with mlflow_server.down():
        answers = [served.predict(samples) for _ in range(5)]

    assert {(answer.model_version, answer.degraded) for answer in answers} == {("1", False)}


def test_the_open_breaker_spares_a_registry_that_is_away(agent, mlflow_server, samples):
    """After so many failures predictions stop asking, and are no worse for it."""
    served = agent(failure_threshold=3, reset_timeout=600.0)
    with mlflow_server.at("GET /api/2.0/mlflow/registered-models/get", times=None).respond(503) as fault:
        answers = [served.predict(samples) for _ in range(20)]

        assert len(fault.receipts) == 3
    assert all(answer.degraded for answer in answers)


def test_an_unsure_answer_is_refused(agent, samples):
    """A confidence below the rule is an error that carries both numbers."""
    served = agent(rule=prediction_confidence.with_threshold(1.0))

    result = served.execute({"rows": samples})

    assert isinstance(result.error, BusinessLogicError)
    assert result.error.threshold == 1.0


@pytest.mark.parametrize("broken", [{}, {"worst_area": "large"}])
def test_an_incomplete_sample_is_refused(broken, agent, samples):
    """A sample that lacks a measure, or has a word for one, is its sender's error; no rule guesses."""
    sample = broken and samples[0] | broken

    result = agent().execute({"rows": [sample]})

    assert isinstance(result.error, FatalError)
    assert "Sample 1" in str(result.error)
