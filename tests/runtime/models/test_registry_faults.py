"""A deployment through a failing registry changes charge once, or says that it does not know, and can be run again."""

from __future__ import annotations

import os

import pytest

from pytest_resilience import RetryableError
from pytest_resilience.runtime.deployment import deploy_model_with_rollback, deployment_ledger
from pytest_resilience.runtime.models.registry import ModelRegistry

API = "/api/2.0/mlflow/"
ALIAS = f"POST {API}registered-models/alias"
TAG = f"POST {API}registered-models/set-tag"
LOCK = f"POST {API}registered-models/create"
UNLOCK = f"DELETE {API}registered-models/delete"
MODEL = f"GET {API}registered-models/get"


@pytest.fixture
def deploy(mlflow_server, model_name):
    """Return a function that deploys through the proxy, with quick retries."""

    def deploy(version):
        registry = ModelRegistry(mlflow_server.url, timeout=1, base_delay=0.01)
        return deploy_model_with_rollback(model_name, version, registry=registry)

    return deploy


class State:
    """What the registry holds of a model, seen around the proxy."""

    def __init__(self, client, model_name):
        self._client = client
        self._model_name = model_name

    @property
    def champion(self):
        """The version in charge."""
        return str(self._client.get_registered_model(self._model_name).aliases.get("champion"))

    @property
    def outcomes(self):
        """How the ledger's entries ended."""
        return [entry.outcome for entry in deployment_ledger(self._model_name)]

    @property
    def locks(self):
        """What else was made in the registry and is still there."""
        names = {model.name for model in self._client.search_registered_models()}
        return {name for name in names if name.endswith(f".{self._model_name}")}


@pytest.fixture
def state(client, model_name):
    """What the registry holds of this test's model."""
    return State(client, model_name)


@pytest.mark.parametrize("request_", [ALIAS, TAG, LOCK, UNLOCK])
@pytest.mark.parametrize("side", ["request", "reply"])
def test_one_lost_message_changes_nothing(request_, side, register_quickly, deploy, mlflow_server, state):
    """Whether MLflow has acted or not, the write is repeated, and the ledger has each entry once."""
    version = register_quickly()
    with mlflow_server.at(request_, side=side).reset() as fault:
        result = deploy(version)

    assert fault.fired
    assert (result["status"], result["error"], state.champion) == ("success", None, version)
    assert (state.outcomes, state.locks) == (["begun", "success"], set())


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_registry_is_asked_again(status, register_quickly, deploy, mlflow_server):
    """A refusal for now is no failure of the version."""
    version = register_quickly()
    with mlflow_server.at(MODEL, times=2).respond(status, headers={"Retry-After": "0"}) as fault:
        result = deploy(version)

    assert len(fault.receipts) == 2
    assert result["status"] == "success"


@pytest.mark.parametrize(
    "break_it",
    [
        lambda point: point.respond(503),
        lambda point: point.reset(),
        lambda point: point.hang(),
    ],
    ids=["503", "reset", "hang"],
)
def test_a_registry_that_goes_away_half_way_is_not_lied_about(
    break_it, register_quickly, deploy, mlflow_server, state
):
    """The status is `unknown`, the old version stays in charge, and the same again ends it."""
    old, new = register_quickly(1.0), register_quickly(2.0)
    deploy(old)
    with break_it(mlflow_server.at(ALIAS, times=None)):
        result = deploy(new)

    assert (result["status"], state.champion) == ("unknown", old)
    assert "Run the same again" in result["error"]
    again = deploy(new)
    assert (again["status"], again["previous_version"], state.champion) == ("success", old, new)


def test_a_registry_that_is_away_from_the_start_is_an_error(register_quickly, deploy, mlflow_server, state):
    """Nothing was begun, so there is nothing to report but the error."""
    version = register_quickly()
    with mlflow_server.down(), pytest.raises(RetryableError):
        deploy(version)

    assert state.outcomes == []


def test_files_that_cannot_be_fetched_do_not_pass(register_quickly, deploy, mlflow_server, state):
    """An artifact store that fails is noticed before the version is in charge."""
    old, new = register_quickly(1.0), register_quickly(2.0)
    deploy(old)
    with mlflow_server.at("GET /api/2.0/mlflow-artifacts/artifacts", times=None).respond(500):
        result = deploy(new)

    assert (result["status"], state.champion) == ("rolled_back", old)
    assert "does not load" in result["error"]


def test_a_foreign_hand_is_not_overruled(register_quickly, deploy, mlflow_server, client, model_name, state):
    """Who moves the alias without the lock while a version is checked, stays right; the deployment says so."""
    old, new, foreign = register_quickly(1.0), register_quickly(2.0), register_quickly(3.0)
    deploy(old)
    registry = _Interrupted(
        mlflow_server.url, lambda: client.set_registered_model_alias(model_name, "champion", foreign)
    )

    result = deploy_model_with_rollback(model_name, new, registry=registry)

    assert (result["status"], state.champion) == ("conflict", foreign)
    assert "without the lock" in result["error"]


def test_the_environment_is_left_as_it_was(register_quickly, deploy, mlflow_server, monkeypatch):
    """MLflow's own limits are what they were, after a success and after a failure."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "6")
    version = register_quickly()
    before = dict(os.environ)

    deploy(version)
    with mlflow_server.at(ALIAS, times=None).reset():
        deploy(version)

    assert dict(os.environ) == before


class _Interrupted(ModelRegistry):
    """A registry in which somebody else does something right after the champion was moved."""

    def __init__(self, url, interruption):
        super().__init__(url)
        self._interruption = interruption

    def set_alias(self, model_name, alias, version):
        """Move an alias; after the champion's it is somebody else's turn."""
        super().set_alias(model_name, alias, version)
        if alias == "champion":
            self._interruption()
