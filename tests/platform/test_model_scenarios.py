"""The models' scenarios are red when what they promise is broken."""

from __future__ import annotations

from functools import cache
from uuid import uuid4

import pytest
from mlflow import MlflowClient

import test_model_operations as scenarios
from icu_platform.training_agent import TrainingAgent
from pytest_resilience import FatalError
from pytest_resilience.runtime.models import mlflow_border
from pytest_resilience.runtime.models.change_of_charge import ChangeOfCharge
from pytest_resilience.runtime.models.fallback import FallbackRegistry
from pytest_resilience.runtime.models.schemes import Stages
from test_model_operations import sample, shelf

__all__ = ["sample", "shelf"]


@pytest.fixture
def trained(mlflow_server, breast_cancer_csv):
    """The files and the run of a model, where no gate has made a champion."""
    return _trained(mlflow_server.direct_url, breast_cancer_csv)


@cache
def _trained(tracking_uri, source_file):
    name = f"trained-{uuid4().hex[:8]}"
    trained = TrainingAgent(tracking_uri, model_name=name).execute({"source_file": source_file})
    assert trained.is_success(), trained.error
    version = MlflowClient(tracking_uri).get_model_version(name, trained.metadata["version"])
    return version.source, version.run_id


def _deaf_to_retry_after(monkeypatch):
    monkeypatch.setattr(mlflow_border, "hidden_retry_after", lambda _: None)


def _others_stay_in_production(monkeypatch):
    def promote(self, model_name, version, before):
        self.registry.set_stage(model_name, version, "Production")

    monkeypatch.setattr(Stages, "promote", promote)


def _fallback_for_ever(monkeypatch):
    monkeypatch.setattr(FallbackRegistry, "disable", lambda *_: None)
    monkeypatch.setattr(
        "pytest_resilience.runtime.models.server.ModelServer._look_again_later",
        lambda self: setattr(self, "_next_look", float("inf")),
    )


def _ledger_forgets(monkeypatch):
    monkeypatch.setattr(ChangeOfCharge, "previous_of", lambda *_: None)


@pytest.mark.parametrize(
    ("plant", "scenario"),
    [
        (_deaf_to_retry_after, lambda shelf, _: scenarios.test_registry_asks_to_wait(shelf)),
        (_others_stay_in_production, lambda shelf, _: scenarios.test_two_versions_in_production(shelf)),
        (_fallback_for_ever, scenarios.test_fallback_ends_by_itself),
        (_ledger_forgets, scenarios.test_alias_dropped_with_its_version),
    ],
    ids=["retry-after", "two-in-production", "fallback", "ledger"],
)
def test_a_planted_bug_is_found(plant, scenario, shelf, sample, monkeypatch):
    """Each is green in the gate without the bug, and red with it: by an assertion, or by the runtime's refusal."""
    plant(monkeypatch)

    with pytest.raises((AssertionError, FatalError)):
        scenario(shelf, sample)
