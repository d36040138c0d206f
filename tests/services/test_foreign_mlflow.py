"""On an MLflow server that somebody else runs we delete what bears the run's name, and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from foreign_servers import foreign_mlflow_server

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.foreign_mlflow import (
    foreign_mlflow,
    remove_from_registry,
    shown,
    what_else_is_in_registry,
)
from pytest_resilience.services.mlflow import MlflowAddress
from pytest_resilience.services.mlflow_rest import MlflowRest
from pytest_resilience.services.own_names import own_names
from pytest_resilience.services.registry_of_run import begin_in_registry
from pytest_resilience.services.run_folder import RunFolder

LONG_AGO = "resilience-5f000000-0a1b-"
"""Begins the names of a run of July 2020."""


@pytest.fixture(scope="module")
def shared() -> Iterator[MlflowAddress]:
    """One server for the tests of this module."""
    with foreign_mlflow_server() as server:
        yield server


@pytest.fixture
def server(shared: MlflowAddress) -> Iterator[MlflowAddress]:
    """The server, which holds nothing before the test and after it."""
    yield shared
    remove_from_registry(shared.url, lambda name: name != "Default")


def make(server: MlflowAddress, *names: str) -> None:
    """Make an experiment and a model of each name."""
    for name in names:
        MlflowRest(server.url).ask("POST", "experiments/create", {"name": name})
        MlflowRest(server.url).ask("POST", "registered-models/create", {"name": name})


def held(server: MlflowAddress) -> set[str]:
    """Return what is there, as `kind name`."""
    registry = MlflowRest(server.url)
    experiments = registry.pages("POST", "experiments/search", "experiments", {"view_type": "ACTIVE_ONLY"})
    models = registry.pages("GET", "registered-models/search", "registered_models")
    return {f"experiment {found['name']}" for found in experiments if found["name"] != "Default"} | {
        f"model {found['name']}" for found in models
    }


def test_address_is_kept_whole(server: MlflowAddress) -> None:
    """The version is what the server tells; a login and a slash at the end are no trouble, and not shown."""
    url = server.url.replace("://", "://u:s3cret@") + "/"
    address = foreign_mlflow(url)

    assert (address.version, address.url, address.port) == (server.version, url, server.port)
    assert "s3cret" not in repr(address)
    assert shown(url) == f"{server.url}/"


@pytest.mark.parametrize("url", ["", "sqlite:///s3cret.db", "http://u:s3cret@h:port", "http://"])
def test_address_that_makes_no_sense(url: str) -> None:
    """It is refused, and the message does not repeat it."""
    with pytest.raises(HarnessError, match="is no URL such as") as caught:
        foreign_mlflow(url)

    assert "s3cret" not in str(caught.value)


def test_nobody_there() -> None:
    """The message says where, without the login."""
    with pytest.raises(
        HarnessError, match=r"server at http://127\.0\.0\.1:1 cannot be used: .*refused"
    ) as caught:
        foreign_mlflow("http://u:s3cret@127.0.0.1:1")

    assert "s3cret" not in str(caught.value)


def test_everything_else_is_told(server: MlflowAddress) -> None:
    """What runs of ours have made, and the experiment that every server has, is nothing else."""
    make(server, f"{LONG_AGO}model", "churn")

    assert what_else_is_in_registry(server.url) == ["experiment churn", "model churn"]


def test_runs_in_the_default_experiment_are_something() -> None:
    """The experiment that every server has may hold somebody's work."""
    with foreign_mlflow_server() as server:
        before = what_else_is_in_registry(server.url)
        MlflowRest(server.url).ask("POST", "runs/create", {"experiment_id": "0"})
        after = what_else_is_in_registry(server.url)

    assert (before, after) == ([], ["runs in the experiment Default"])


def test_registry_of_several_pages_is_read_whole(
    server: MlflowAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands on a later page is found, and is removed, too."""
    monkeypatch.setattr("pytest_resilience.services.mlflow_rest.PAGE", 1)
    make(server, "one", "three", "two")
    found = what_else_is_in_registry(server.url)
    remove_from_registry(server.url, lambda name: name == "three")

    assert sorted(found) == [
        f"{kind} {name}" for kind in ("experiment", "model") for name in ("one", "three", "two")
    ]
    assert held(server) == {f"{kind} {name}" for kind in ("experiment", "model") for name in ("one", "two")}


def test_beginning_removes_what_is_a_day_old(server: MlflowAddress, run: RunFolder) -> None:
    """What a killed run has left goes then; what is younger may be in use, and what is not ours stays."""
    young = f"{own_names(RunFolder(run.folder('other'), run.owner)).registry}model"
    make(server, f"{LONG_AGO}old", young, "fraud")
    begin_in_registry(run, server)

    assert held(server) == {f"{kind} {name}" for kind in ("experiment", "model") for name in (young, "fraud")}


OWNER = """
import sys, threading
from pytest_resilience.services.foreign_mlflow import foreign_mlflow
from pytest_resilience.services.mlflow_rest import MlflowRest
from pytest_resilience.services.own_names import own_names
from pytest_resilience.services.registry_of_run import begin_in_registry
from pytest_resilience.services.run_folder import RunFolder

run = RunFolder.make()
begin_in_registry(run, foreign_mlflow(sys.argv[1]))
registry = MlflowRest(sys.argv[1])
for path in ("experiments/create", "registered-models/create"):
    registry.ask("POST", path, {"name": own_names(run).registry + "forgotten"})
print(own_names(run).registry + "forgotten", flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_killed_run_leaves_nothing(server: MlflowAddress, end: signal.Signals) -> None:
    """Whatever ends the run, SIGKILL too, what bears its name goes, and the rest stays."""
    other = f"churn-{end.name}"  # the name of a deleted experiment stays taken
    make(server, other)
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, server.url], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        made = owner.stdout.readline().strip()
        before = held(server)
        owner.send_signal(end)
    pause = threading.Event()
    while len(held(server)) > 2:
        pause.wait(0.05)

    assert before == {f"{kind} {name}" for kind in ("experiment", "model") for name in (made, other)}
    assert held(server) == {f"experiment {other}", f"model {other}"}
