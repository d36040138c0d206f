"""The training agent registers a model that is good enough, once, whatever replies of MLflow are lost."""

from __future__ import annotations

import csv

import pytest
from mlflow import MlflowClient

from icu_platform import TrainingAgent
from pytest_resilience import BusinessLogicError, FatalError, RetryableError
from pytest_resilience.runtime.rules import model_auroc


@pytest.fixture
def client(mlflow_server):
    """MLflow's own client, around the proxy."""
    return MlflowClient(mlflow_server.direct_url)


def train(mlflow_server, source, name, **settings):
    """Train on a file, through the proxy."""
    return TrainingAgent(mlflow_server.url, model_name=name, **settings).execute(
        {"source_file": source, "training_id": name}
    )


def test_a_good_model_is_registered(mlflow_server, client, breast_cancer_csv):
    """The version has files, a signature and a sample; its run has the AUROC."""
    result = train(mlflow_server, breast_cancer_csv, "good")

    assert result.is_success(), result.error
    version = client.get_model_version("good", result.metadata["version"])
    assert client.get_run(version.run_id).data.metrics["auroc"] == pytest.approx(result.metadata["auroc"])
    assert result.metadata["auroc"] > 0.95
    files = {file.path for file in client.list_artifacts(version.run_id, "model")}
    assert {"model/MLmodel", "model/input_example.json"} <= files


def test_a_poor_model_is_not_registered(mlflow_server, client, breast_cancer_csv):
    """Below the rule nothing reaches the registry, and the error carries the numbers."""
    result = train(mlflow_server, breast_cancer_csv, "poor", rule=model_auroc.with_threshold(1.0))

    assert isinstance(result.error, BusinessLogicError)
    assert result.error.value == result.metadata["auroc"]
    assert not client.search_registered_models("name = 'poor'")


@pytest.mark.parametrize(
    "request_",
    [
        "POST /api/2.0/mlflow/runs/create",
        "POST /api/2.0/mlflow/registered-models/create",
        "POST /api/2.0/mlflow/model-versions/create",
    ],
)
def test_a_lost_reply_makes_no_second_one(request_, mlflow_server, client, breast_cancer_csv):
    """MLflow acted and we never heard: the next try finds what is there, and makes no other."""
    name = request_.rpartition("mlflow/")[2].replace("/", "-")
    with mlflow_server.at(request_, side="reply").cut() as fault:
        result = train(mlflow_server, breast_cancer_csv, name)

    assert fault.fired
    assert result.is_success(), result.error
    assert len(client.search_model_versions(f"name = '{name}'")) == 1
    assert len(client.search_runs(["0"], f"tags.`icu_platform.training_id` = '{name}'")) == 1


def test_the_same_training_registers_one_version(mlflow_server, client, breast_cancer_csv):
    """A job that is started again with its id changes nothing."""
    first = train(mlflow_server, breast_cancer_csv, "twice")
    second = train(mlflow_server, breast_cancer_csv, "twice")

    assert first.metadata == second.metadata
    assert len(client.search_model_versions("name = 'twice'")) == 1


def test_without_mlflow_the_result_says_so(mlflow_server, breast_cancer_csv):
    """An outage that outlasts the retries is an error that may be tried again."""
    with mlflow_server.down():
        result = train(mlflow_server, breast_cancer_csv, "away", base_delay=0.01)

    assert isinstance(result.error, RetryableError)


def test_a_file_that_is_no_table_is_named(mlflow_server, tmp_path):
    """A table of something else is an error before anything is trained."""
    path = tmp_path / "other.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b"], [1, 2]])

    result = train(mlflow_server, path, "other")

    assert isinstance(result.error, FatalError)
    assert "Sample 1 lacks" in str(result.error)


@pytest.mark.parametrize("kept", [0, 3])
def test_too_few_rows_are_refused(kept, mlflow_server, tmp_path, breast_cancer_csv):
    """A model cannot be judged by rows that are not there."""
    path = tmp_path / "few.csv"
    path.write_text("".join(breast_cancer_csv.read_text().splitlines(keepends=True)[: kept + 1]))

    result = train(mlflow_server, path, "few")

    assert isinstance(result.error, FatalError)
    assert "too few" in str(result.error)


def test_a_task_without_a_file_is_refused(mlflow_server):
    """The error names what the task lacks."""
    result = TrainingAgent(mlflow_server.url).execute({})

    assert isinstance(result.error, FatalError)
    assert "source_file" in str(result.error)
