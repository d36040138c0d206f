"""A busy registry's `Retry-After` is kept, although MLflow's client hides it, and never beyond the deadline."""

from __future__ import annotations

import pytest

from pytest_resilience import FatalError, RetryableError
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.runtime.models.hidden_response import hidden_retry_after
from pytest_resilience.runtime.models.registry import ModelRegistry

MODEL = "GET /api/2.0/mlflow/registered-models/get"
TAG = "POST /api/2.0/mlflow/registered-models/set-tag"


@pytest.fixture
def registry(mlflow_server):
    """The registry behind the proxy, asked again almost at once where nobody says otherwise."""
    return ModelRegistry(mlflow_server.url, timeout=30, base_delay=0.001)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("message", [MODEL, TAG])
def test_the_next_request_comes_after_the_time_asked_for(
    status, message, registry, mlflow_server, register_quickly, model_name
):
    """Reads and writes alike, by the proxy's own time stamps."""
    register_quickly()
    with mlflow_server.at(message, times=2).respond(status, headers={"Retry-After": "1"}) as fault:
        if message == MODEL:
            registry.standing(model_name)
        else:
            registry.set_tag(model_name, "seen", "yes")

    first, second = (receipt.at for receipt in fault.receipts)
    assert second - first >= 0.99


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_error_carries_what_was_asked(headers, asked, registry, mlflow_server, model_name):
    """In both forms of the header; what means nothing is no wish."""
    with (
        mlflow_server.at(MODEL, times=None).respond(503, headers=headers),
        pytest.raises(RetryableError) as failure,
    ):
        registry.champion(model_name)

    assert failure.value.retry_after == asked


def test_no_wait_is_begun_that_the_deadline_cannot_hold(registry, mlflow_server, model_name):
    """It is given up at once, after one request."""
    with mlflow_server.at(MODEL, times=None).respond(429, headers={"Retry-After": "200"}) as fault:
        with pytest.raises(RetryableError) as failure:
            Deadline(100).call(registry.standing, model_name)

        assert len(fault.receipts) == 1
    assert failure.value.retry_after == 200.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
def test_a_refusal_is_not_tried_again(status, registry, mlflow_server, model_name):
    """Also where MLflow has no code for it, and calls it an internal error."""
    with mlflow_server.at(MODEL, times=None).respond(status, body="no") as fault:
        with pytest.raises(FatalError):
            registry.standing(model_name)

        assert len(fault.receipts) == 1


def test_an_error_without_a_reply_asks_nothing():
    """A connection that was refused has no header, and neither has any other error."""
    assert hidden_retry_after(ConnectionRefusedError()) is None
