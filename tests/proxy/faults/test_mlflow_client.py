"""The MLflow client sees injected answers and lost connections as it would see a server's."""

from __future__ import annotations

import mlflow.exceptions
import pytest
from mlflow.tracking import MlflowClient


@pytest.fixture
def client(website, monkeypatch) -> MlflowClient:
    """A client that does not try again by itself, and soon gives up."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return MlflowClient(tracking_uri=website.url(""), registry_uri=website.url(""))


GET_RUN = {"request": "GET /api/2.0/mlflow/runs/get"}


def test_error_of_the_server(website, client):
    """An answer with MLflow's own error keeps its code and its message."""
    body = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}
    website.fault("respond", GET_RUN, status=404, body=body)
    with pytest.raises(mlflow.exceptions.MlflowException, match="no such run") as caught:
        client.get_run("a" * 32)

    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_status(website, client, status):
    """An answer with a failing status is an MlflowException that names it."""
    website.fault("respond", GET_RUN, times=None, status=status, body="<h1>sorry</h1>")
    with pytest.raises(mlflow.exceptions.MlflowException, match=str(status)):
        client.get_run("a" * 32)


@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize("side", ["request", "reply"])
def test_lost_connection(website, client, kind, side):
    """A lost connection is an MlflowException that says which request failed."""
    fault = website.fault(kind, {**GET_RUN, "side": side}, times=None)
    with pytest.raises(mlflow.exceptions.MlflowException, match="runs/get"):
        client.get_run("a" * 32)

    assert website.state(fault)["fired"] == 1


def test_html_in_place_of_json(website, client):
    """A page that is no JSON is an MlflowException too."""
    website.fault(
        "respond", GET_RUN, status=200, headers={"Content-Type": "text/html"}, body="<h1>login</h1>"
    )
    with pytest.raises(mlflow.exceptions.MlflowException):
        client.get_run("a" * 32)
