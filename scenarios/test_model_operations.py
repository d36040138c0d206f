"""A model is deployed, rolled back and served through what breaks: a version that answers is in charge, or it is said.

What a registry can do to a deployment, each once on a real MLflow server; nothing here waits for anybody to help.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from icu_platform.breast_cancer import FEATURES, MODEL_NAME, as_table
from icu_platform.score import SAMPLE
from icu_platform.serving_agent import ServingAgent
from pytest_resilience import FatalError, GoldenRequest, deploy_model_with_rollback, rollback_model
from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.runtime.deployment import DeploymentResult, deployment_ledger
from pytest_resilience.runtime.models.fallback import FALLBACKS
from pytest_resilience.runtime.models.ledger import LedgerEntry
from pytest_resilience.runtime.models.mlflow_border import without_warnings
from pytest_resilience.runtime.models.registry import ModelRegistry

if TYPE_CHECKING:
    from mlflow import MlflowClient

API = "/api/2.0/mlflow/"
ALIAS = f"POST {API}registered-models/alias"
MODEL = f"GET {API}registered-models/get"
PATIENCE = 3
"""Seconds that one request may take: an answer of a busy machine must not look like one that never comes."""
BUSY = 30.0
"""Seconds that a prediction may take here: how quick a busy machine is, is not the question."""

pytestmark = pytest.mark.chaos(proves=["external-calls", "backoff", "rollback"])


@dataclass(frozen=True)
class Shelf:
    """A model with a few versions, all of them sound, and none in charge.

    Args:
        name: the registered model.
        registry: the MLflow server behind its proxy.
        client: MLflow's own client, around the proxy.
    """

    name: str
    registry: HttpHandle
    client: MlflowClient

    def deploy(self, version: str, **settings: Any) -> DeploymentResult:
        """Deploy through the proxy, with quick retries."""
        return deploy_model_with_rollback(
            self.name, version, registry=self._asking(), latency_limit=BUSY, **settings
        )

    def roll_back(self) -> DeploymentResult:
        """Roll back through the proxy, with quick retries."""
        return rollback_model(self.name, registry=self._asking())

    def agent(self) -> ServingAgent:
        """Return an agent that looks for the model at every call."""
        return ServingAgent(self.registry.url, model_name=self.name, refresh=0.001, deadline=60.0)

    @property
    def champion(self) -> str | None:
        """The version in charge by its alias."""
        champion = self.client.get_registered_model(self.name).aliases.get("champion")
        return str(champion) if champion else None

    @property
    def in_production(self) -> list[str]:
        """The versions in charge by their stage."""
        found = self.client.search_model_versions(f"name = '{self.name}'")
        return [str(version.version) for version in found if version.current_stage == "Production"]

    def _asking(self) -> ModelRegistry:
        return ModelRegistry(self.registry.url, timeout=PATIENCE, base_delay=0.01)


def champion_files(tracking_uri: str, name: str) -> tuple[str, str]:
    """Return where the files of a model's champion are, and its run."""
    from mlflow import MlflowClient

    champion = MlflowClient(tracking_uri).get_model_version_by_alias(name, "champion")
    return champion.source, champion.run_id


@pytest.fixture
def trained(mlflow_server: HttpHandle) -> tuple[str, str]:
    """The files and the run of the champion that the registry begins with."""
    return champion_files(mlflow_server.direct_url, MODEL_NAME)


@pytest.fixture
def shelf(mlflow_server: HttpHandle, trained: tuple[str, str]) -> Iterator[Shelf]:
    """A model with versions 1, 2 and 3, under a name of the test's own: all of them the same files."""
    from mlflow import MlflowClient

    name, client = f"malignancy-{uuid4().hex[:8]}", MlflowClient(mlflow_server.direct_url)
    source, run_id = trained
    client.create_registered_model(name)
    for _ in range(3):
        client.create_model_version(name, source, run_id, await_creation_for=0)
    yield Shelf(name, mlflow_server, client)
    FALLBACKS.disable(name)


@pytest.fixture
def sample() -> list[dict[str, str]]:
    """One biopsy without its diagnosis."""
    with SAMPLE.open(newline="", encoding="utf-8") as stream:
        return [{name: row[name] for name in FEATURES} for row in csv.DictReader(stream)][:1]


def test_no_previous_version(shelf: Shelf, sample: list[dict[str, str]]) -> None:
    """A first version that does not pass is withdrawn, and to roll back is refused with what to do instead."""
    wrong = GoldenRequest(as_table(sample), [0.5, 0.5])

    result = shelf.deploy("1", golden=[wrong])

    assert (result["status"], result["previous_version"], shelf.champion) == ("rolled_back", None, None)
    assert "the model is withdrawn" in str(result["error"])
    with pytest.raises(FatalError, match="no earlier version"):
        shelf.roll_back()


def test_files_missing_although_ready(shelf: Shelf, sample: list[dict[str, str]]) -> None:
    """A version whose files are gone never gets in charge; where they go later, serving rolls back by itself."""
    _add_a_copy(shelf)
    shelf.deploy("1")
    shelf.deploy("4")
    _remove(shelf, "4")

    ready = shelf.client.get_model_version(shelf.name, "4").status
    recovered = shelf.agent().recover()
    refused = shelf.deploy("4")

    assert (ready, recovered) == ("READY", True)
    assert (refused["status"], shelf.champion) == ("rolled_back", "1")
    assert "are missing" in str(refused["error"])
    assert shelf.agent().predict(sample).model_version == "1"


def test_alias_dropped_with_its_version(shelf: Shelf, sample: list[dict[str, str]]) -> None:
    """Who deletes the champion takes the alias away; the rule answers, and the ledger knows the way back."""
    shelf.deploy("1")
    shelf.deploy("2")
    shelf.client.delete_model_version(shelf.name, "2")
    agent = shelf.agent()

    dropped, during = shelf.champion, agent.predict(sample)
    result = shelf.roll_back()
    after = agent.predict(sample)

    assert (dropped, during.degraded) == (None, True)
    assert (result["status"], result["version"], shelf.champion) == ("success", "1", "1")
    assert (after.degraded, after.model_version) == (False, "1")


def test_two_versions_in_production(shelf: Shelf) -> None:
    """MLflow lets two be in Production; after a deployment one is, and the newest of the two is what was before."""
    with without_warnings():
        for version in ("1", "2"):
            shelf.client.transition_model_version_stage(shelf.name, version, "Production")

    result = shelf.deploy("3")

    assert (result["status"], result["scheme"], result["previous_version"]) == ("success", "stages", "2")
    assert shelf.in_production == ["3"]


def _slow(registry: HttpHandle) -> Fault:
    return registry.latency(0.2)


def _hanging_once(registry: HttpHandle) -> Fault:
    return registry.at(ALIAS).hang()


def _reply_lost(registry: HttpHandle) -> Fault:
    return registry.at(ALIAS, side="reply").reset()


def _entry_lost(registry: HttpHandle) -> Fault:
    return registry.at(f"POST {API}registered-models/set-tag", side="reply", nth=2).cut()


@pytest.mark.parametrize("trouble", [_slow, _hanging_once, _reply_lost, _entry_lost])
def test_registry_in_trouble(shelf: Shelf, trouble: Callable[[HttpHandle], Fault]) -> None:
    """Slow, silent for once, or its replies lost: the version gets in charge once, and the ledger says so once."""
    with trouble(shelf.registry):
        result = shelf.deploy("1")

    assert (result["status"], result["error"], shelf.champion) == ("success", None, "1")
    assert [entry.outcome for entry in _entries(shelf)] == ["begun", "success"]


def test_registry_asks_to_wait(shelf: Shelf) -> None:
    """Nobody asks again before the time that a 429 names, although our own delays are shorter."""
    with shelf.registry.at(ALIAS, times=2).respond(429, headers={"Retry-After": "1"}) as busy:
        result = shelf.deploy("1")

    first, second = (receipt.at for receipt in busy.receipts)
    assert result["status"] == "success"
    assert second - first >= 0.99


def test_registry_hangs_for_good(shelf: Shelf) -> None:
    """The deployment ends at its deadline and says that it does not know; the same again ends it."""
    shelf.deploy("1")

    with shelf.registry.at(ALIAS, times=None).hang():
        cut = shelf.deploy("2", deadline=6)
    begun, before = _entries(shelf)[-1].outcome, shelf.champion
    again = shelf.deploy("2")

    assert (cut["status"], begun, before) == ("unknown", "begun", "1")
    assert (again["status"], again["previous_version"], shelf.champion) == ("success", "1", "2")


def test_killed_at_each_step(shelf: Shelf) -> None:
    """Killed after its first write, again after its second, and so on: one is in charge, at last the new."""
    script = Path(__file__).with_name("kill_deployments.py")
    shelf.deploy("1")

    done = subprocess.run(
        [sys.executable, script, shelf.registry.direct_url, shelf.name, "2"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    champions = [line.split()[1] for line in done.stdout.splitlines()]
    assert len(champions) >= 5
    assert champions == sorted(champions)
    assert (champions[0], champions[-1], shelf.champion) == ("1", "2", "2")
    assert _entries(shelf)[-1].outcome == "success"
    assert not [
        model for model in shelf.client.search_registered_models() if model.name.endswith(f".{shelf.name}")
    ]


def test_fallback_ends_by_itself(shelf: Shelf, sample: list[dict[str, str]]) -> None:
    """The registry is away, so the rule answers, marked; when it is back, so is the model, and nobody has to ask."""
    shelf.deploy("1")
    agent = shelf.agent()

    with shelf.registry.down():
        recovered, during = agent.recover(), agent.predict(sample)
    after = agent.predict(sample)

    assert (recovered, during.degraded, during.model_version) == (False, True, None)
    assert (after.degraded, after.model_version) == (False, "1")


def _entries(shelf: Shelf) -> tuple[LedgerEntry, ...]:
    return deployment_ledger(shelf.name, tracking_uri=shelf.registry.direct_url)


def _add_a_copy(shelf: Shelf) -> None:
    """Add a version whose files are its own."""
    run = shelf.client.create_run("0")
    with TemporaryDirectory() as folder:
        files = _files(shelf, "1").download_artifacts("", folder)
        shelf.client.log_artifacts(run.info.run_id, files, "model")
    source = f"{run.info.artifact_uri}/model"
    shelf.client.create_model_version(shelf.name, source, run.info.run_id, await_creation_for=0)


def _remove(shelf: Shelf, version: str) -> None:
    """Remove a version's files; the registry goes on to call it READY."""
    _files(shelf, version).delete_artifacts()


def _files(shelf: Shelf, version: str) -> Any:
    source = shelf.client.get_model_version_download_uri(shelf.name, version)
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(source, tracking_uri=shelf.registry.direct_url)
