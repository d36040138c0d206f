"""A process may fork while another thread is in the middle of a decision: the child decides for itself."""

from __future__ import annotations

import os
import signal
import threading
import warnings

import pytest

from pytest_resilience import BreakerRegistry, CircuitBreaker, Retry, RetryableError
from pytest_resilience.runtime import budget, exhaustion
from pytest_resilience.runtime.backoff import FixedDelay
from pytest_resilience.runtime.budget import RetryBudget
from pytest_resilience.runtime.models.fallback import FallbackRegistry
from pytest_resilience.runtime.models.single_flight import SingleFlight
from pytest_resilience.runtime.repeat_limit import RepeatLimit

HANG = 30
"""Seconds until a child that waits for ever is killed."""


def fail():
    """Fail once, and for good."""
    raise RetryableError("lost")


def breaks(call):
    """Whether a call fails with its own error."""
    try:
        call()
    except RetryableError:
        return True
    return False


def child_of(held, act):
    """Fork while a lock is held, and return the child's status: 0 where it could do what it wanted."""
    with held, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that other threads may hold locks is the point
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                signal.alarm(HANG)
                status = 0 if act() else 1
            finally:
                os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def things():
    """Yield what is shared by threads, the lock that one of them may hold, and what a child does with it."""
    breaker, registry, spent = CircuitBreaker(2), BreakerRegistry(), RetryBudget()
    fallbacks, flight, limit = FallbackRegistry(), SingleFlight(lambda: True, name="work"), RepeatLimit()
    once = Retry(max_retries=1, backoff=FixedDelay(0))
    yield "breaker", breaker._circuit._lock, lambda: breaks(lambda: breaker.call(fail))
    yield "registry", registry._lock, lambda: registry.get("labs")
    yield "budget", spent._lock, spent.spend
    yield "budgets", budget._lock, lambda: budget.budget_for("labs")
    yield "mark", exhaustion._lock, lambda: breaks(lambda: once.call(fail))
    yield "fallbacks", fallbacks._lock, lambda: not fallbacks.has_rule("icu")
    yield "flight", flight._lock, lambda: flight.join(HANG)
    yield "repeats", limit._lock, lambda: limit.admit("a") == 0


@pytest.mark.parametrize(
    "name", ["breaker", "registry", "budget", "budgets", "mark", "fallbacks", "flight", "repeats"]
)
def test_a_lock_that_the_parent_held_is_free_in_the_child(name):
    """Nobody is there who would let go of it."""
    held, act = next((held, act) for each, held, act in things() if each == name)

    assert child_of(held, act) == 0


def test_a_flight_of_the_parents_is_not_waited_for_in_the_child():
    """Its thread is not there, so it never lands."""
    landed = threading.Event()
    flight = SingleFlight(lambda: landed.wait(HANG), name="work")
    flight.start()

    def act():
        landed.set()
        return flight.join(HANG)

    status = child_of(threading.Lock(), act)
    landed.set()

    assert status == 0
