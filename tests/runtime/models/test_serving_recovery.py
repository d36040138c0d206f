"""Serving comes back by reload, by the version before, or by rule, on a real MLflow server."""

from __future__ import annotations

import os

import pytest

from pytest_resilience import (
    FatalError,
    ModelServer,
    enable_fallback_predictions,
    recover_model_serving,
)
from pytest_resilience.runtime.models.fallback import FallbackRegistry
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.serving_recovery import model_server

ROWS = {"age": [50.0]}


def rows():
    """Return one row as the models take it."""
    import pandas as pd

    return pd.DataFrame(ROWS)


def answer_ten(table):
    """Answer 10 for each row, as no model of these tests does."""
    return [10.0] * len(table)


def server_of(model_name, url=None, **settings):
    """Return a server of its own rules and quick retries."""
    settings = {"base_delay": 0.01, "fallbacks": FallbackRegistry()} | settings
    return ModelServer(model_name, registry=ModelRegistry(url, timeout=1), **settings)


def test_the_champion_is_reloaded(register, client, model_name):
    """A champion whose files are there answers again, and True is returned."""
    client.set_registered_model_alias(model_name, "champion", register(7.0))

    recovered = recover_model_serving(model_name)

    prediction = model_server(model_name).predict(rows())
    expected = (True, [7.0], "1", False)
    assert expected == (
        recovered,
        list(prediction.output),
        prediction.model_version,
        prediction.degraded,
    )


def test_the_production_stage_counts_where_there_is_no_champion(register, client, model_name):
    """A model that uses stages is served from Production."""
    version = register(7.0)
    with pytest.warns(FutureWarning):
        client.transition_model_version_stage(model_name, version, "Production")

    assert recover_model_serving(model_name)


def test_missing_files_lead_to_the_version_before(register, client, model_name, drop_files):
    """A champion whose files are gone, though READY, gives way to the version that `@previous` names."""
    good, bad = register(1.0), register(2.0)
    client.set_registered_model_alias(model_name, "previous", good)
    client.set_registered_model_alias(model_name, "champion", bad)
    drop_files(bad)
    server = server_of(model_name)

    recovered = recover_model_serving(model_name, server=server)

    assert (True, good) == (recovered, server.predict(rows()).model_version)


def test_nothing_left_but_the_rule(register, client, model_name, drop_files):
    """Without files and without a version before, the rule answers, marked as degraded; False is returned."""
    version = register()
    client.set_registered_model_alias(model_name, "champion", version)
    drop_files(version)
    server = server_of(model_name, rule=answer_ten)

    recovered = recover_model_serving(model_name, server=server)

    prediction = server.predict(rows())
    expected = (False, [10.0], None, True)
    assert expected == (recovered, prediction.output, prediction.model_version, prediction.degraded)


@pytest.mark.parametrize("fault", ["hanging_url", "refusing_url"])
def test_a_registry_that_is_away_leads_to_the_rule(fault, request):
    """A registry that hangs or refuses costs at most the deadline; then the rule answers."""
    server = server_of("any", request.getfixturevalue(fault), rule=answer_ten, max_retries=0)

    recovered = recover_model_serving("any", server=server)

    assert (recovered, server.predict(rows()).degraded) == (False, True)


def test_without_model_and_rule_a_person_is_told(refusing_url, caplog):
    """Where nothing can answer, False is returned and the log says that a person is needed."""
    recovered = recover_model_serving("any", server=server_of("any", refusing_url, max_retries=0))

    assert not recovered
    assert "a person is needed" in caplog.text


def test_fallback_ends_when_the_model_is_back(register, client, model_name):
    """Fallback that was switched on by hand answers until a recovery succeeds, and not after it."""
    client.set_registered_model_alias(model_name, "champion", register())
    enable_fallback_predictions(model_name, rule=answer_ten)
    before = model_server(model_name).predict(rows()).degraded

    recover_model_serving(model_name)

    assert (before, model_server(model_name).predict(rows()).degraded) == (True, False)


def test_fallback_is_per_model():
    """Switching on one model's rule leaves another's off."""
    enable_fallback_predictions("one", rule=answer_ten)

    assert enable_fallback_predictions("one") == ("one",)
    with pytest.raises(FatalError, match="'two' has no fallback rule"):
        enable_fallback_predictions("two")


def test_without_a_name_every_rule_is_switched_on():
    """No name means every model for which this process has a rule."""
    enable_fallback_predictions("one", rule=answer_ten)

    assert "one" in enable_fallback_predictions()


def test_a_rule_without_a_model_is_refused():
    """A rule belongs to one model."""
    with pytest.raises(FatalError, match="pass model_name"):
        enable_fallback_predictions(rule=answer_ten)


def test_the_environment_is_left_as_it_was(hanging_url, monkeypatch):
    """MLflow's own limits are restored after a recovery that had to give up."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    before = dict(os.environ)

    recover_model_serving("any", server=server_of("any", hanging_url, max_retries=0))

    assert before == dict(os.environ)
