"""Breakers that open, try and close are told from those that do not, whatever library they are made of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_resilience.checklist.experiments.breakers_calls import Caller

CALLING = """
    import os, time
    import circuitbreaker, pybreaker, requests

    def ask(name="LABS_URL"):
        requests.get(os.environ[name] + "/score", timeout=0.5).raise_for_status()

    library = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=1.5)
    for_ever = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=10**9)
    late = pybreaker.CircuitBreaker(fail_max=24, reset_timeout=1.5)
    long = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=30)

    def with_pybreaker():
        library.call(ask)

    @circuitbreaker.circuit(failure_threshold=5, recovery_timeout=2)
    def with_circuitbreaker():
        ask()

    def fallback():
        try:
            library.call(ask)
        except (pybreaker.CircuitBreakerError, requests.RequestException):
            return None

    def minutes():
        long.call(ask)

    def none():
        ask()

    def each_its_own():
        pybreaker.CircuitBreaker(fail_max=5, reset_timeout=1.5).call(ask)

    def opens_late():
        late.call(ask)

    def never_back():
        for_ever.call(ask)

    def blocks():
        if library.current_state == "open":
            time.sleep(0.5)
        library.call(ask)
"""


@pytest.fixture
def outcome(trying):
    """Return what the loss of its service says of a function."""

    def outcome(function: str):
        attempt = trying(calling_py=CALLING, resilience_toml=declared(function))
        return attempt(f"breakers::{function}::labs").evidence[0]

    return outcome


def declared(function: str) -> str:
    """Return the configuration of one function."""
    return f"""
    [services.labs]
    kind = "http"
    upstream = "{{python}} labs.py {{port}}"
    env = {{ LABS_URL = "{{url}}" }}

    [workloads.{function}]
    function = "calling:{function}"
    uses = ["labs"]
    deadline = 10
    """


@pytest.mark.parametrize("function", ["with_pybreaker", "with_circuitbreaker", "fallback", "minutes"])
def test_a_breaker_passes(outcome, function) -> None:
    """It opens, refuses or falls back, tries once a reset period of seconds or minutes, and closes."""
    found = outcome(function)

    assert (found.outcome, found.why) == ("passed", "")


@pytest.mark.parametrize("function", ["minutes", "with_pybreaker"])
def test_a_fault_that_ends_late_is_not_held_against_the_breaker(outcome, monkeypatch, function) -> None:
    """A service that comes back when all calls are made, so many real seconds late: it is judged again."""
    run, late_by = Caller.run, []

    def late(self, order, *told, scale, recovers_within=None, **more):
        if recovers_within is not None:
            late_by.append(1.1 * recovers_within / scale)
            order = replace(order, seconds=order.seconds + late_by[0] * scale)
        return run(self, order, *told, scale=scale, recovers_within=recovers_within, **more)

    monkeypatch.setattr(Caller, "run", late)

    found = outcome(function)

    assert (found.outcome, found.why) == ("passed", "")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("none", "one for one"),
        ("each_its_own", "one for one"),
        ("opens_late", "after 24 failed calls"),
        ("never_back", "none was sent in"),
        ("blocks", "calls block"),
    ],
)
def test_other_calls_fail(outcome, function, words) -> None:
    """No breaker, one for each call, a late one, one that stays open, one that makes its callers wait."""
    found = outcome(function)

    assert (found.outcome, found.why if words not in found.why else words) == ("failed", words)
    assert found.fix


def test_a_short_job_is_not_asked(trying) -> None:
    """A job of one call gives a breaker nothing to refuse, and the reason is told."""
    toml = """
    [services.labs]
    kind = "http"
    upstream = "{python} labs.py {port}"
    env = { LABS_URL = "{url}" }

    [workloads.fetch]
    command = ["{python}", "-c", "import calling; calling.ask()"]
    uses = ["labs"]
    deadline = 10
    """
    found = trying(calling_py=CALLING, resilience_toml=toml)("breakers::fetch::labs").evidence[0]

    assert (found.outcome, "short job: 1 calls" in found.why) == ("not-applicable", True)
