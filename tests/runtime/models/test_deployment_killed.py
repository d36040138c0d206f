"""A deployment that is killed at any step leaves the old or the new version in charge, and a re-run ends it.

What is in charge changes only when the registry is written to, so a deployment is killed after each of its
writes. From there on nothing of it reaches the registry, as of a process that is dead.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.deployment import deploy_model_with_rollback, deployment_ledger, rollback_model
from pytest_resilience.runtime.models.ledger import Ledger
from pytest_resilience.runtime.models.registry import ModelRegistry

WRITES = (
    "create_registered_model",
    "delete_registered_model",
    "delete_registered_model_alias",
    "rename_registered_model",
    "set_registered_model_alias",
    "set_registered_model_tag",
    "transition_model_version_stage",
)


class Killed(BaseException):
    """Stands for SIGKILL: no handler of errors sees it."""


class MortalClient:
    """MLflow's client in a process that is killed at a given write."""

    def __init__(self, client, registry):
        self._client = client
        self._registry = registry

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return self._registry.fatal(method) if name in WRITES else method


class MortalRegistry(ModelRegistry):
    """A registry whose process is killed when its n-th write has taken effect."""

    def __init__(self, uri, writes):
        super().__init__(uri)
        self.dead = False
        self._left = writes

    @contextmanager
    def calling(self, what):
        """Give a block the client, unless the process is dead."""
        if self.dead:
            raise Killed
        with super().calling(what) as client:
            yield MortalClient(client, self)

    def fatal(self, method):
        """Return a write that may be the last one."""

        def write(*args, **kwargs):
            method(*args, **kwargs)
            self._left -= 1
            self.dead = self._left == 0
            if self.dead:
                raise Killed

        return write


@pytest.fixture(params=["aliases", "stages"])
def scheme(request):
    """Both ways of saying who is in charge."""
    return request.param


@pytest.fixture
def in_charge(client, model_name, scheme):
    """Return a function that tells which versions are in charge."""

    def in_charge():
        if scheme == "aliases":
            return [str(client.get_registered_model(model_name).aliases.get("champion"))]
        versions = client.search_model_versions(f"name = '{model_name}'")
        return [str(one.version) for one in versions if one.current_stage == "Production"]

    return in_charge


@pytest.fixture
def deploy(model_name, tracking, scheme):
    """Return a function that deploys a version of this test's model."""

    def deploy(version, registry=None):
        return deploy_model_with_rollback(
            model_name, version, scheme=scheme, registry=registry or ModelRegistry(tracking)
        )

    return deploy


def kills(tracking):
    """Yield registries that die at ever later writes, until one survives."""
    for writes in count(1):
        registry = MortalRegistry(tracking, writes)
        yield registry
        if not registry.dead:
            return


@pytest.mark.parametrize("healthy", [True, False])
def test_a_rerun_ends_what_was_begun(register_quickly, model_name, deploy, tracking, in_charge, *, healthy):
    """The same deployment again ends with the new version if it is healthy, else with the old one."""
    old = register_quickly(1.0)
    deploy(old)
    killed = 0
    for registry in kills(tracking):
        new = register_quickly(2.0 if healthy else float("nan"))
        try:
            deploy(new, registry)
        except Killed:
            killed += 1
            # By stages both are for a moment; never is neither.
            assert set() < set(in_charge()) <= {old, new}

        result = deploy(new)

        status, champion = ("success", new) if healthy else ("rolled_back", old)
        assert (result["status"], result["previous_version"], in_charge()) == (status, old, [champion])
        last = deployment_ledger(model_name, tracking_uri=tracking)[-1]
        assert (last.outcome, last.to_version) == (status, new)
        old = champion
    assert killed >= 4


def test_another_version_settles_what_was_begun(register_quickly, model_name, deploy, tracking, in_charge):
    """A different deployment after a kill first restores what was before, so that its ledger stays true."""
    old = register_quickly(1.0)
    deploy(old)
    for registry in kills(tracking):
        abandoned, new = register_quickly(2.0), register_quickly(3.0)
        with suppress(Killed):
            deploy(abandoned, registry)
        last = deployment_ledger(model_name, tracking_uri=tracking)[-1]
        finished = (last.to_version, last.outcome) == (abandoned, "success")

        result = deploy(new)

        assert result["status"] == "success"
        assert result["previous_version"] == (abandoned if finished else old)
        assert in_charge() == [new]
        old = new


@pytest.mark.parametrize("scheme", ["aliases"], indirect=True)
def test_a_killed_rollback_is_ended_by_the_next_change(
    register_quickly, model_name, deploy, tracking, scheme
):
    """A rollback that was killed goes back one version in the end, and the ledger says so."""
    deploy(register_quickly(0.0))
    for registry in kills(tracking):
        middle = register_quickly(1.0)
        deploy(middle)
        deploy(register_quickly(2.0))
        with suppress(Killed):
            rollback_model(model_name, scheme=scheme, registry=registry)
        entries = deployment_ledger(model_name, tracking_uri=tracking)
        begun = entries[-1].action == "rollback"

        result = deploy(register_quickly(3.0))

        assert result["status"] == "success"
        if begun:
            assert result["previous_version"] == middle


def test_a_version_that_was_begun_and_deleted_holds_up_no_other(
    register_quickly, client, model_name, deploy, tracking, in_charge
):
    """Who is killed while it is deployed may be deleted then; the next one is deployed."""
    old = register_quickly(1.0)
    deploy(old)
    for registry in kills(tracking):
        abandoned, new = register_quickly(2.0), register_quickly(3.0)
        with suppress(Killed):
            deploy(abandoned, registry)
        if in_charge() != [old]:
            continue
        client.delete_model_version(model_name, abandoned)

        assert deploy(new)["status"] == "success"
        assert in_charge() == [new]
        old = new


@pytest.mark.parametrize("champion_too", [False, True])
def test_a_rollback_to_a_deleted_version_fails_and_holds_up_no_other(
    register_quickly, client, model_name, deploy, in_charge, scheme, *, champion_too
):
    """It says that the version is not there, the champion stays, and the next one is deployed."""
    first, second = register_quickly(1.0), register_quickly(2.0)
    deploy(first)
    deploy(second)
    client.delete_model_version(model_name, first)
    if champion_too:
        client.delete_model_version(model_name, second)
    with suppress(FatalError):
        result = rollback_model(model_name, scheme=scheme)
        assert result["status"] in {"rolled_back", "unknown"}
    if not champion_too:
        assert in_charge() == [second]
    third = register_quickly(3.0)

    assert deploy(third)["status"] == "success"
    assert in_charge() == [third]


STEPS = st.one_of(
    st.tuples(st.just("deploy"), st.booleans()),
    st.tuples(st.just("roll back"), st.none()),
    st.tuples(st.just("kill and run again"), st.integers(1, 6)),
)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=2, max_size=6))
@pytest.mark.parametrize("scheme", ["aliases"], indirect=True)
def test_whatever_happened_the_ledger_explains_who_is_in_charge(steps, client, register_at, tracking, scheme):
    """After any history of deployments, rollbacks and kills, the champion is right, and so is the one before it."""
    name = f"history-{uuid4().hex}"
    charges = []
    for action, detail in steps:
        if action == "deploy":
            version = register_at(name, 1.0 if detail else float("nan"))
            deploy_model_with_rollback(name, version, scheme=scheme)
            charges += [version] if detail else []
        elif action == "kill and run again":
            version = register_at(name, 1.0)
            with suppress(Killed):
                deploy_model_with_rollback(
                    name, version, scheme=scheme, registry=MortalRegistry(tracking, detail)
                )
            deploy_model_with_rollback(name, version, scheme=scheme)
            charges.append(version)
        elif len(charges) > 1:
            rollback_model(name, scheme=scheme)
            charges.pop()

        if charges:
            model = client.get_registered_model(name)
            assert str(model.aliases.get("champion")) == charges[-1]
            before = Ledger.of(model.tags).previous_of(charges[-1])
            assert before == (charges[-2] if len(charges) > 1 else None)
