"""Who is red for a silent registry is told what to set in MLflow's client, and one that sets that is not red."""

from __future__ import annotations

import pytest

from pytest_resilience.checklist.experiments.external_calls import failing_services

CONFIGURATION = """
    [services.registry]
    kind = "mlflow"
    env = { MLFLOW_TRACKING_URI = "{tracking_uri}" }

    [workloads.list]
    command = ["{python}", "bare.py"]
    uses = ["registry"]
    deadline = 5

    [workloads.bounded]
    command = ["{python}", "models.py"]
    uses = ["registry"]
    deadline = 100
    env = { MLFLOW_HTTP_REQUEST_TIMEOUT = "1", MLFLOW_HTTP_REQUEST_MAX_RETRIES = "0" }
"""
BARE = """
    import os, urllib.request

    where = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/registered-models/search?max_results=100"
    urllib.request.urlopen(where, timeout=120).close()  # as long as MLflow's client waits
"""
MODELS = """
    import sys
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        MlflowClient().search_registered_models()
    except MlflowException as error:
        sys.exit(f"could not list the models of the registry: {error}; look whether it answers, then start again")
"""


@pytest.fixture
def listing(laboratory_of):
    """Return what the registry's silence shows of a job that lists its models."""
    laboratory = laboratory_of(resilience_toml=CONFIGURATION, bare_py=BARE, models_py=MODELS)
    assert laboratory.clean("list").why_not is None
    found = {each.id: each for each in failing_services(laboratory)}

    def listing(name):
        evidence = found[f"external-calls::{name}::registry::hang"].run().evidence
        return next(each for each in evidence if each.item == "external-calls")

    return listing


def test_a_client_that_waits_for_minutes_is_told_what_bounds_it(listing):
    """And what it is told helps."""
    waits, bounded = listing("list"), listing("bounded")

    assert (waits.outcome, "its deadline is 5 s" in waits.why) == ("failed", True), waits.why
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT (120 where it is not set)" in waits.fix
    assert (bounded.outcome, bounded.why) == ("passed", "")
