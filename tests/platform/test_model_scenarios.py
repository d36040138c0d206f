"""The models' scenarios are red when what they promise is broken."""

from __future__ import annotations

import pytest

import test_model_operations as scenarios
from pytest_resilience import FatalError
from pytest_resilience.runtime.models import mlflow_border
from pytest_resilience.runtime.models.change_of_charge import ChangeOfCharge
from pytest_resilience.runtime.models.fallback import FallbackRegistry
from pytest_resilience.runtime.models.schemes import Stages
from test_model_operations import sample, shelf

__all__ = ["sample", "shelf"]


@pytest.fixture
def trained(mlflow_server, champion):
    """The files and the run of a champion that the test has made: there is no gate that has."""
    return scenarios.champion_files(mlflow_server.direct_url, champion)


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
