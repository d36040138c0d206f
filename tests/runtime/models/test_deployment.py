"""A deployment ends with the old or the new version in charge, on a real MLflow registry."""

from __future__ import annotations

import math
import threading

import pytest

from pytest_resilience import FatalError, HealthCheckFailed
from pytest_resilience.runtime.deployment import (
    deploy_model_with_rollback,
    deployment_ledger,
    rollback_model,
    run_model_health_check,
)
from pytest_resilience.runtime.models.health import GoldenRequest
from pytest_resilience.runtime.models.ledger import PREFIX


@pytest.fixture
def aliases(client, model_name):
    """Return a function that tells which version each alias stands for."""

    def aliases():
        found = client.get_registered_model(model_name).aliases
        return {alias: str(version) for alias, version in found.items()}

    return aliases


@pytest.fixture
def stages(client, model_name):
    """Return a function that tells each version's stage."""

    def stages():
        found = client.search_model_versions(f"name = '{model_name}'")
        return {str(version.version): version.current_stage for version in found}

    return stages


@pytest.fixture
def in_production(client, model_name):
    """Return a function that moves a version to stage Production, as older servers are used."""

    def in_production(version):
        with pytest.warns(FutureWarning):
            client.transition_model_version_stage(model_name, version, "Production")

    return in_production


def test_the_first_version_is_put_in_charge(register, model_name, aliases):
    """With nothing before it, a healthy version becomes champion; there is no previous version."""
    version = register()

    result = deploy_model_with_rollback(model_name, version)

    expected = {
        "status": "success",
        "version": "1",
        "error": None,
        "previous_version": None,
        "scheme": "aliases",
    }
    assert expected == result
    assert aliases() == {"champion": "1"}


def test_a_healthy_version_takes_over(register, model_name, aliases):
    """The version before stays at hand as `@previous`."""
    deploy_model_with_rollback(model_name, register())

    result = deploy_model_with_rollback(model_name, register(2.0))

    assert (result["status"], result["previous_version"]) == ("success", "1")
    assert aliases() == {"champion": "2", "previous": "1"}


def test_an_unhealthy_version_is_rolled_back(register, model_name, aliases):
    """The old version is in charge again, and the new one is a candidate."""
    deploy_model_with_rollback(model_name, register())

    result = deploy_model_with_rollback(model_name, register(float("nan")))

    assert (result["status"], result["version"], result["previous_version"]) == ("rolled_back", "2", "1")
    assert "NaN" in result["error"]
    assert aliases() == {"champion": "1", "candidate": "2"}


def test_with_nothing_before_an_unhealthy_version_is_withdrawn(register, model_name, aliases):
    """No version is in charge then, and the error says so."""
    result = deploy_model_with_rollback(model_name, register(float("nan")))

    assert result["status"] == "rolled_back"
    assert "withdrawn" in result["error"]
    assert aliases() == {"candidate": "1"}


def test_a_version_without_its_files_is_rolled_back(register, model_name, drop_files, aliases):
    """READY in the registry is not enough: the files have to be there."""
    deploy_model_with_rollback(model_name, register())
    version = register()
    drop_files(version)

    result = deploy_model_with_rollback(model_name, version)

    assert result["status"] == "rolled_back"
    assert "missing" in result["error"]
    assert aliases()["champion"] == "1"


def test_a_version_that_does_not_exist_changes_nothing(register, model_name, aliases):
    """The version in charge stays, and the error names the one that is missing."""
    deploy_model_with_rollback(model_name, register())

    result = deploy_model_with_rollback(model_name, "99")

    assert result["status"] == "rolled_back"
    assert "version 99" in result["error"]
    assert aliases() == {"champion": "1"}


@pytest.mark.parametrize("kind", [int, str])
def test_versions_come_back_in_the_callers_type(kind, register, model_name):
    """A caller who counts in numbers gets numbers, and one who writes text gets text."""
    deploy_model_with_rollback(model_name, register())

    result = deploy_model_with_rollback(model_name, kind(register()))

    assert (kind(2), kind(1)) == (result["version"], result["previous_version"])


def test_stages_are_used_where_one_is_in_use(register, model_name, in_production, stages, aliases):
    """With a version in Production and no champion, `auto` takes stages: the old version is archived."""
    in_production(register())

    result = deploy_model_with_rollback(model_name, register())

    assert (result["status"], result["scheme"], result["previous_version"]) == ("success", "stages", "1")
    assert stages() == {"1": "Archived", "2": "Production"}
    assert aliases() == {}


def test_stages_are_restored(register, model_name, in_production, stages):
    """An unhealthy version goes to Staging, and the old one is in Production again."""
    in_production(register())

    result = deploy_model_with_rollback(model_name, register(float("nan")))

    assert result["status"] == "rolled_back"
    assert stages() == {"1": "Production", "2": "Staging"}


def test_of_two_versions_in_production_one_is_left(register, model_name, in_production, stages):
    """MLflow allows two in Production; a deployment archives both."""
    in_production(register())
    in_production(register())

    deploy_model_with_rollback(model_name, register())

    assert stages() == {"1": "Archived", "2": "Archived", "3": "Production"}


def test_rollback_goes_by_the_ledger(register, model_name, aliases):
    """Twice rolled back is two versions back, whatever their numbers are."""
    for version in (register(), register(), register()):
        assert deploy_model_with_rollback(model_name, version)["status"] == "success"

    first, second = rollback_model(model_name), rollback_model(model_name)

    assert tuple((one["status"], one["version"], one["previous_version"]) for one in (first, second)) == (
        ("success", "2", "3"),
        ("success", "1", "2"),
    )
    assert aliases()["champion"] == "1"


def test_without_an_earlier_version_rollback_is_refused(register, model_name):
    """Nothing is guessed from the list of versions."""
    register()
    deploy_model_with_rollback(model_name, register())

    with pytest.raises(FatalError, match="no earlier version"):
        rollback_model(model_name)


def test_the_ledger_tells_who_when_and_why(register, model_name):
    """Each change has an entry before it and one after it."""
    deploy_model_with_rollback(model_name, register(), who="ann", why="first")
    deploy_model_with_rollback(model_name, register(float("nan")), who="bob")

    entries = deployment_ledger(model_name)

    expected = [
        ("ann", "begun", None, "1"),
        ("ann", "success", None, "1"),
        ("bob", "begun", "1", "2"),
        ("bob", "rolled_back", "1", "2"),
    ]
    assert expected == [(one.who, one.outcome, one.from_version, one.to_version) for one in entries]
    assert entries[0].why == "first"
    assert "NaN" in entries[-1].why


def test_an_entry_that_somebody_changed_is_named(register, client, model_name, aliases):
    """Without it nobody knows what was in charge; once it is gone, the next entry overwrites none."""
    deploy_model_with_rollback(model_name, register())
    key = f"{PREFIX}000001"
    client.set_registered_model_tag(model_name, key, "gone")
    with pytest.raises(FatalError, match=f"The tag '{key}' of the model is no entry of its ledger"):
        rollback_model(model_name)
    client.delete_registered_model_tag(model_name, key)
    deploy_model_with_rollback(model_name, register())

    assert [entry.outcome for entry in deployment_ledger(model_name)] == ["success", "begun", "success"]
    assert aliases()["champion"] == "2"


@pytest.mark.parametrize(
    "terms",
    [{"latency_limit": 0}, {"latency_limit": math.nan}, {"latency_limit": "0.2"}, {"golden": [[1.0]]}],
)
def test_terms_that_make_no_sense_are_refused(register, model_name, terms):
    """And not found in the model, which would be withdrawn for them."""
    version = register()
    with pytest.raises((TypeError, ValueError), match=next(iter(terms))):
        deploy_model_with_rollback(model_name, version, **terms)

    assert deployment_ledger(model_name) == ()


def test_a_golden_request_is_answered_right_or_rolled_back(register, model_name, aliases):
    """A model that loads, is quick and wrong does not pass."""
    sample = [[30.0]]
    golden = GoldenRequest(_table(sample), [7.0], tolerance=0.1)
    deploy_model_with_rollback(model_name, register(7.05), golden=[golden])

    result = deploy_model_with_rollback(model_name, register(8.0), golden=[golden])

    assert result["status"] == "rolled_back"
    assert "golden" in result["error"]
    assert aliases()["champion"] == "1"


@pytest.mark.parametrize("auroc", [0.7, 1.5])
def test_auroc_below_the_rule_is_rolled_back(auroc, register, client, model_name):
    """The metric that the training logged is held to the policy's floor, and one that is no AUROC proves nothing."""
    version = register()
    client.log_metric(client.get_model_version(model_name, version).run_id, "auroc", auroc)

    result = deploy_model_with_rollback(model_name, version)

    assert result["status"] == "rolled_back"
    assert "model_auroc" in result["error"]
    assert f"{auroc}" in result["error"]


def test_of_two_deployments_at_once_one_wins(register, model_name):
    """The other one is told who is at it, and changes nothing."""
    versions = [register(), register()]
    gate = threading.Barrier(2)
    results = []

    def deploy(version):
        gate.wait()
        results.append(deploy_model_with_rollback(model_name, version))

    threads = [threading.Thread(target=deploy, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(result["status"] for result in results) == ["conflict", "success"]


def test_no_lock_is_left(register, model_name, client):
    """After a deployment the registry holds the model, and nothing else of its name."""
    deploy_model_with_rollback(model_name, register())

    assert [model_name] == [
        model.name for model in client.search_registered_models() if model_name in model.name
    ]


def test_an_unregistered_model_is_refused(client):
    """There is nothing to deploy, and nothing is made."""
    with pytest.raises(FatalError, match="'no-such-model'"):
        deploy_model_with_rollback("no-such-model", 1)


@pytest.mark.parametrize("version", [0, -1, "latest", True])
def test_a_version_is_a_number(version, tracking):
    """What cannot be a version is refused before anything is asked."""
    with pytest.raises(ValueError, match="version number"):
        deploy_model_with_rollback("any", version)


def test_a_healthy_version_passes_the_check(register, model_name):
    """It loads, answers in time, and the answer is sane."""
    assert run_model_health_check(model_name, register()) is True


def test_without_a_sample_the_check_fails_and_says_so(register, model_name):
    """A model that was logged without an input example needs a sample."""
    version = register(sample=False)

    with pytest.raises(HealthCheckFailed, match="sample=") as caught:
        run_model_health_check(model_name, version)

    assert caught.value.check == "sample"
    assert run_model_health_check(model_name, version, sample=_table([[30.0]]))


def test_a_version_that_does_not_load_fails_the_check(register, model_name, drop_files):
    """The check is called `loads`, and the cause is kept."""
    version = register()
    drop_files(version)

    with pytest.raises(HealthCheckFailed) as caught:
        run_model_health_check(model_name, version)

    assert caught.value.check == "loads"
    assert isinstance(caught.value.__cause__, FatalError)


def _table(values):
    import pandas as pd

    return pd.DataFrame(values, columns=["age"])
