"""A model server follows the registry, keeps what it has, and falls back only while it must."""

from __future__ import annotations

import threading

import pandas as pd
import pytest

from pytest_resilience import (
    CircuitBreaker,
    FatalError,
    ModelServer,
    ResilienceError,
    RetryableError,
    deploy_model_with_rollback,
    deployment_ledger,
    recover_model_serving,
)
from pytest_resilience.clock import SystemClock
from pytest_resilience.runtime.models.fallback import FallbackRegistry
from pytest_resilience.runtime.models.registry import ModelRegistry

ROWS = pd.DataFrame({"age": [50.0]})
GUARD = 60.0


class MovableClock(SystemClock):
    """The machine's clock, which a test moves ahead."""

    ahead = 0.0

    def monotonic(self):
        """Return the time."""
        return super().monotonic() + self.ahead


class GatedRegistry(ModelRegistry):
    """A registry whose loads wait for a gate."""

    def __init__(self, url):
        super().__init__(url)
        self.gate = threading.Event()
        self.gate.set()
        self.loads = 0
        self.away = False

    def champion(self, model_name):
        """Tell who is in charge, unless the registry is away."""
        if self.away:
            raise RetryableError("away")
        return super().champion(model_name)

    def load(self, model_name, version):
        """Load when the gate is open."""
        self.loads += 1
        self.gate.wait(GUARD)
        return super().load(model_name, version)


@pytest.fixture
def clock():
    """A clock to move."""
    return MovableClock()


@pytest.fixture
def registry(tracking):
    """A registry to hold up."""
    return GatedRegistry(tracking)


@pytest.fixture
def server(model_name, registry, clock):
    """Return a function that makes a server of this test's model, with a rule that answers 10."""

    def server(**settings):
        usual = {"deadline": GUARD, "base_delay": 0.01, "fallbacks": FallbackRegistry(clock=clock)}
        return ModelServer(
            model_name,
            registry=registry,
            clock=clock,
            rule=lambda rows: [10.0] * len(rows),
            **usual | settings,
        )

    return server


@pytest.fixture
def deploy(register_quickly, model_name):
    """Return a function that deploys a version which answers a number."""

    def deploy(answer):
        result = deploy_model_with_rollback(model_name, register_quickly(answer))
        assert result["status"] == "success"
        return result["version"]

    return deploy


@pytest.fixture
def deploy_files(register, model_name):
    """Return a function that deploys a version with files of its own."""

    def deploy_files():
        version = register()
        assert deploy_model_with_rollback(model_name, version)["status"] == "success"
        return version

    return deploy_files


def test_a_new_champion_is_taken_over(deploy, server, registry, clock):
    """After `refresh` seconds a prediction looks, and does not wait: the next ones are the new version's."""
    deploy(1.0)
    served = server(refresh=30.0)
    served.predict(ROWS)
    new = deploy(2.0)

    too_early = served.predict(ROWS).model_version
    clock.ahead += 31
    during = served.predict(ROWS).model_version
    served.warm_up().result(GUARD)

    assert (too_early, during) == ("1", "1")
    assert served.predict(ROWS).model_version == new


def test_an_unchanged_champion_is_not_loaded_again(deploy, server, registry):
    """A look that finds the same version costs one request and no files."""
    deploy(1.0)
    served = server()
    served.warm_up().result(GUARD)
    served.warm_up().result(GUARD)

    assert registry.loads == 1


def test_many_first_callers_load_once(deploy, server, registry):
    """Twenty predictions at once wait for one load, and all are the model's."""
    deploy(1.0)
    served = server()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(served.predict(ROWS))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GUARD)

    assert registry.loads == 1
    assert {(answer.model_version, answer.degraded) for answer in answers} == {("1", False)}


def test_a_load_that_comes_late_is_used_all_the_same(deploy, server, registry):
    """Whoever could not wait got the rule's answer; when the load has ended, the model answers."""
    deploy(1.0)
    registry.gate.clear()
    served = server(deadline=0.2)
    in_time = served.predict(ROWS)
    registry.gate.set()
    served.warm_up().result(GUARD)

    assert in_time.degraded
    assert served.predict(ROWS).model_version == "1"


def test_a_load_that_hangs_costs_its_time_once(deploy, server, registry):
    """Predictions behind a hanging load do not wait for it again, and start no second one."""
    deploy(1.0)
    registry.gate.clear()
    served = server(deadline=0.2)
    answers = [served.predict(ROWS) for _ in range(5)]
    loads = registry.loads
    registry.gate.set()

    assert loads == 1
    assert all(answer.degraded for answer in answers)


def test_fallback_by_hand_ends_by_itself(deploy, server, clock, model_name):
    """After `refresh` seconds the model is tried, and a healthy one ends it."""
    deploy(1.0)
    served = server(refresh=30.0)
    served.predict(ROWS)
    served.fallbacks.enable(model_name)

    by_hand = served.predict(ROWS)
    clock.ahead += 31

    assert (by_hand.output, by_hand.degraded) == ([10.0], True)
    assert not served.predict(ROWS).degraded


def test_rows_that_do_not_fit_are_the_callers_error(deploy, server):
    """The rule does not guess at rows that the model refuses."""
    deploy(1.0)

    with pytest.raises(FatalError, match="Do they fit its signature"):
        server().predict(pd.DataFrame({"height": [1.8]}))


def test_a_version_that_is_not_sane_is_not_served(register_quickly, client, model_name, server):
    """NaN for its own sample keeps a champion out, though somebody put it in charge by hand."""
    client.set_registered_model_alias(model_name, "champion", register_quickly(float("nan")))

    answer = server(max_retries=0).predict(ROWS)

    assert answer.degraded
    assert "NaN" in answer.reason


def test_a_broken_champion_does_not_replace_a_good_one(deploy, server, client, model_name, register_quickly):
    """What is in memory stays when its successor is not fit."""
    deploy(1.0)
    served = server()
    served.reload()
    client.set_registered_model_alias(model_name, "champion", register_quickly(float("nan")))

    with pytest.raises(ResilienceError):
        served.reload()

    assert served.predict(ROWS).model_version == "1"


def test_a_broken_champion_opens_the_breaker(register_quickly, client, model_name, server, registry):
    """It is not fetched again for each prediction."""
    client.set_registered_model_alias(model_name, "champion", register_quickly(float("nan")))
    served = server(max_retries=0, breaker=CircuitBreaker(2, 600, ResilienceError))
    for _ in range(10):
        served.predict(ROWS)

    assert registry.loads == 2


def test_recovery_rolls_back_and_says_so_in_the_ledger(deploy, deploy_files, drop_files, server, model_name):
    """An unfit champion gives way to the version before it, for every server of the model."""
    old = deploy(1.0)
    drop_files(deploy_files())
    served = server()

    recovered = recover_model_serving(model_name, server=served)

    last = deployment_ledger(model_name)[-1]
    assert (recovered, served.version) == (True, old)
    assert (last.who, last.action, last.outcome) == ("serving recovery", "rollback", "success")


def test_recovery_does_not_roll_back_without_end(deploy_files, drop_files, server, model_name, caplog):
    """After two automatic rollbacks within the hour a person is asked, and the rule answers."""
    versions = [deploy_files() for _ in range(4)]
    served = server()
    outcomes = []
    for version in reversed(versions[1:]):
        drop_files(version)
        outcomes.append(recover_model_serving(model_name, server=served))

    assert outcomes == [True, True, False]
    assert served.predict(ROWS).degraded
    assert "a person is needed" in caplog.text


def test_recovery_without_a_registry_keeps_a_model_that_answers(deploy, server, registry, model_name):
    """What is in memory and answers its sample is better than the rule."""
    deploy(1.0)
    served = server(max_retries=0)
    served.reload()
    registry.away = True

    assert recover_model_serving(model_name, server=served)
    assert served.predict(ROWS).model_version == "1"
