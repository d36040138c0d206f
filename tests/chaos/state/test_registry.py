"""A registry's state is equal where nothing differs that matters, and a difference names what moved."""

from __future__ import annotations

import itertools
import json
import os
import urllib.request

import pytest

from pytest_resilience.chaos.state.registry import (
    ModelState,
    RegistryState,
    VersionState,
    read_registry,
    renumbered,
)
from pytest_resilience.chaos.state.registry_difference import registry_difference
from pytest_resilience.errors import HarnessError

_NUMBERS = itertools.count(1)


class Server:
    """A real MLflow server, spoken to as its clients do."""

    def __init__(self, url):
        self.url = url

    def post(self, path, **body):
        """Make one call."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request) as reply:  # noqa: S310
            return json.load(reply)

    def model(self, prefix):
        """Make a model with two versions, the first in charge."""
        name = f"{prefix}stays"
        self.post("registered-models/create", name=name, tags=[{"key": "owner", "value": "icu"}])
        for _ in range(2):
            self.post("model-versions/create", name=name, source="s3://artifacts/x")
        self.post("registered-models/alias", name=name, alias="champion", version="1")
        return name


@pytest.fixture(scope="session")
def mlflow(pool):
    """The session's MLflow server."""
    return Server(pool.mlflow().url)


@pytest.fixture
def prefix():
    """Return a function that gives prefixes nobody has used."""
    return lambda: f"t{os.getpid()}-{next(_NUMBERS)}-"


def test_registries_that_did_the_same_are_equal(mlflow, prefix):
    """Times, ids and places are left out, and so is the prefix of a test."""
    first, second = prefix(), prefix()
    for each in (first, second):
        mlflow.model(each)
    states = [read_registry(mlflow.url, prefix=each) for each in (first, second)]

    assert (list(states[0].models), registry_difference(*states), states[0].digest == states[1].digest) == (
        ["stays"],
        (),
        True,
    )


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (
            "registered-models/alias",
            {"alias": "champion", "version": "2"},
            "model stays: alias champion is 2, expected 1",
        ),
        (
            "registered-models/alias",
            {"alias": "extra", "version": "2"},
            "model stays: alias extra is 2, expected none",
        ),
        (
            "model-versions/transition-stage",
            {"version": "2", "stage": "Production", "archive_existing_versions": False},
            "model stays: version 2: stage is Production, expected None",
        ),
        (
            "registered-models/set-tag",
            {"key": "owner", "value": "Jane Doe"},
            "model stays: tag owner has another value",
        ),
        (
            "model-versions/create",
            {"source": "s3://artifacts/x"},
            "model stays: version 3 is not expected",
        ),
    ],
)
def test_what_moved_is_said(mlflow, prefix, path, body, words):
    """Each change of a registry is found."""
    mine = prefix()
    name = mlflow.model(mine)
    before = read_registry(mlflow.url, prefix=mine)
    mlflow.post(path, name=name, **body)

    assert words in registry_difference(before, read_registry(mlflow.url, prefix=mine))


def test_bookkeeping_is_left_out(mlflow, prefix):
    """The runtime's ledger holds times."""
    mine = prefix()
    name = mlflow.model(mine)
    before = read_registry(mlflow.url, prefix=mine)
    mlflow.post("registered-models/set-tag", name=name, key="pytest-resilience.ledger.1", value="{}")

    assert read_registry(mlflow.url, prefix=mine) == before


def test_runs_are_counted(mlflow, prefix):
    """A run more is a difference."""
    mine = prefix()
    experiment = mlflow.post("experiments/create", name=f"{mine}train")["experiment_id"]
    before = read_registry(mlflow.url, prefix=mine)
    mlflow.post("runs/create", experiment_id=experiment)

    assert registry_difference(before, read_registry(mlflow.url, prefix=mine)) == (
        "runs of train: RUNNING is 1, expected 0",
    )


def test_unreachable_registry_is_said():
    """No server: one sentence."""
    with pytest.raises(HarnessError, match="registry cannot be read"):
        read_registry("http://127.0.0.1:1")


def test_numbers_that_mlflow_uses_no_more_leave_no_gap():
    """Versions keep their order, and aliases what they point to."""
    two, ten = (VersionState(stage="None", status="READY", description=words) for words in ("two", "ten"))
    model = ModelState(versions={"10": ten, "2": two}, aliases={"champion": "10", "gone": "7"})
    found = renumbered(RegistryState(models={"churn": model})).models["churn"]

    assert (found.versions, found.aliases) == ({"1": two, "2": ten}, {"champion": "2", "gone": "7"})
