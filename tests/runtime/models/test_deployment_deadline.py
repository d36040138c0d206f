"""A deadline bounds a deployment and a rollback as a whole; what was cut off is undone, or named and ended later."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_resilience import Deadline, ResilienceError, recover_model_serving
from pytest_resilience.errors import DeadlineExceededError
from pytest_resilience.runtime.deployment import deploy_model_with_rollback, deployment_ledger, rollback_model
from pytest_resilience.runtime.models import allotted_time
from pytest_resilience.runtime.models.allotted_time import AllottedTime
from pytest_resilience.runtime.models.fallback import FallbackRegistry
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.models.server import ModelServer
from pytest_resilience.testing import FakeClock

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""An interrupt strikes anywhere, also where a client is about to close a socket: then Python closes it, and warns."""
API = "/api/2.0/mlflow/"
ALIAS = f"POST {API}registered-models/alias"
MODEL = f"GET {API}registered-models/get"
FILES = f"GET {API[:-1]}-artifacts/artifacts"
PATIENT = 600.0
"""Seconds that one request may take here, so that only the deadline can be what ends it."""


def in_this_thread(func):
    """Call a function here, where a signal interrupts it."""
    return func()


def in_another_thread(func):
    """Call a function in a thread of its own, where none does."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(func).result()


@pytest.fixture(autouse=True)
def collected():
    """What an interrupt left to the collector is collected here, in no test that comes after."""
    yield
    gc.collect()


@pytest.fixture(params=[in_this_thread, in_another_thread])
def call(request):
    """Both kinds of thread."""
    return request.param


@pytest.fixture
def registry(mlflow_server):
    """The registry behind the proxy, which may take its time."""
    return ModelRegistry(mlflow_server.url, timeout=PATIENT, base_delay=0.01)


@pytest.fixture
def pair(register_quickly, model_name, tracking):
    """An old version in charge, and a new one."""
    old, new = register_quickly(1.0), register_quickly(2.0)
    assert deploy_model_with_rollback(model_name, old)["status"] == "success"
    return old, new


def champion(client, model_name):
    """Return who is in charge, seen around the proxy."""
    return client.get_registered_model(model_name).aliases["champion"]


def outcomes(model_name):
    """Return how the entries of the ledger ended, seen around the proxy."""
    return [entry.outcome for entry in deployment_ledger(model_name)]


def test_a_registry_that_never_answers_ends_at_the_deadline(call, hanging_url, model_name):
    """Nothing was begun, so it is an error."""
    registry = ModelRegistry(hanging_url, timeout=PATIENT)

    with pytest.raises(ResilienceError):
        call(lambda: deploy_model_with_rollback(model_name, 1, registry=registry, deadline=2))
    with pytest.raises(ResilienceError):
        call(lambda: rollback_model(model_name, registry=registry, deadline=2))
    with pytest.raises(ResilienceError):
        call(lambda: deployment_ledger(model_name, registry=registry, deadline=2))


def test_an_answer_that_trickles_ends_at_the_deadline(call, registry, mlflow_server, model_name, pair):
    """Each byte comes in time, and all of them never would; no time-out of a request sees that."""
    with mlflow_server.at(MODEL, times=None).slow(1) as fault, pytest.raises(DeadlineExceededError):
        call(lambda: deploy_model_with_rollback(model_name, pair[1], registry=registry, deadline=2))

    assert fault.fired
    assert outcomes(model_name) == ["begun", "success"]


def test_what_cannot_be_undone_by_then_is_named_and_ended_later(
    call, registry, mlflow_server, client, model_name, pair
):
    """Neither forward nor back: the status is `unknown`, the ledger ends with `begun`, the same again ends it."""
    old, new = pair
    with mlflow_server.at(ALIAS, times=None).hang() as fault:
        cut = call(lambda: deploy_model_with_rollback(model_name, new, registry=registry, deadline=9))

    assert fault.fired
    assert (cut["status"], champion(client, model_name)) == ("unknown", old)
    assert "Run the same again" in cut["error"]
    assert outcomes(model_name)[-1] == "begun"
    again = deploy_model_with_rollback(model_name, new)
    assert (again["status"], again["previous_version"], champion(client, model_name)) == ("success", old, new)
    assert outcomes(model_name)[-1] == "success"


def test_time_is_kept_to_undo(registry, mlflow_server, client, model_name, pair, monkeypatch):
    """Files that never come use up the time to go forward, and what was before is proven to be in charge."""
    monkeypatch.setattr(allotted_time, "LONGEST_RESERVE", 54.0)
    monkeypatch.setattr(allotted_time, "RESERVE", 0.9)
    old, new = pair
    with mlflow_server.at(FILES, times=None).hang() as fault:
        cut = deploy_model_with_rollback(model_name, new, registry=registry, deadline=60)

    assert fault.fired
    assert (cut["status"], champion(client, model_name)) == ("rolled_back", old)
    assert "did not end within its 60 s" in cut["error"]
    assert outcomes(model_name)[-2:] == ["begun", "rolled_back"]


def test_a_recovery_ends_at_its_deadline(hanging_url, model_name):
    """Then the rule answers."""
    fallbacks = FallbackRegistry()
    registry = ModelRegistry(hanging_url, timeout=PATIENT)
    server = ModelServer(model_name, registry=registry, rule=lambda _: [0.5], fallbacks=fallbacks)

    assert not recover_model_serving(model_name, server=server, deadline=1)
    assert fallbacks.enabled_since(model_name) is not None


def test_a_load_does_not_inherit_the_deadline_of_who_began_it(tracking, model_name, pair):
    """It goes on in the background for whoever comes next; what was short was the patience of one caller."""
    server = ModelServer(model_name, deadline=PATIENT)
    with pytest.raises(DeadlineExceededError):
        Deadline(0.001).call(lambda: server.warm_up().result())

    assert server.warm_up().result().version == pair[0]


def test_the_shares_of_the_time():
    """The last third is kept, at most 30 s, of that a fifth for the lock; a nearer deadline around counts."""
    clock = FakeClock()
    short, long = AllottedTime.of(9, clock=clock), AllottedTime.of(600, clock=clock)

    shares = [part(clock.monotonic) for part in (short.forward, short.undoing, short.unlocking)]
    with Deadline(5, clock=clock):
        inside = AllottedTime.of(600, clock=clock)

    assert len(set(shares)) == 1
    assert (short.limit, long.limit, inside.limit) == (9, 600, 5)
    clock.advance(6.1)
    with pytest.raises(DeadlineExceededError):
        short.forward(clock.monotonic)
    short.undoing(clock.monotonic)
    clock.advance(2.4)
    with pytest.raises(DeadlineExceededError):
        short.undoing(clock.monotonic)
    short.unlocking(clock.monotonic)
    clock.advance(600 - 30 - 8.6)
    long.forward(clock.monotonic)
    clock.advance(0.2)
    with pytest.raises(DeadlineExceededError):
        long.forward(clock.monotonic)


@pytest.mark.parametrize("wrong", [0, -1, float("inf")])
def test_a_deadline_that_means_nothing_is_refused(wrong, tracking, model_name):
    """It is refused before the registry is asked."""
    with pytest.raises(ValueError, match="deadline must be"):
        deploy_model_with_rollback(model_name, 1, deadline=wrong)
    with pytest.raises(ValueError, match="deadline must be"):
        rollback_model(model_name, deadline=wrong)
