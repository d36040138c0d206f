"""Every library's breaker around the same function."""

import contextlib

import aiobreaker
import circuitbreaker
import purgatory
import pybreaker
import pyresilience
from peers.floors import caught

from pytest_resilience import CircuitBreaker

OURS = "pytest-resilience"


def breakers(func):
    """Every library's closed breaker."""
    aio, pyb = aiobreaker.CircuitBreaker(), pybreaker.CircuitBreaker()
    return {
        OURS: CircuitBreaker()(func),
        "circuitbreaker": circuitbreaker.circuit(func),
        "pybreaker": pyb(func),
        "purgatory": inside(purgatory_breaker(), func),
        "aiobreaker": aio(func),
        "pyresilience": pyresilience.resilient(circuit_breaker=pyresilience.CircuitBreakerConfig())(func),
    }


def refusals():
    """Every library's open breaker; each call ends when its refusal is caught."""
    ours = CircuitBreaker(1, 3600, listeners=())
    pyb = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=3600)
    aio = aiobreaker.CircuitBreaker(fail_max=1)
    circuit = circuitbreaker.CircuitBreaker(failure_threshold=1, recovery_timeout=3600)
    purgatory_one = purgatory_breaker(1)
    config = pyresilience.CircuitBreakerConfig(failure_threshold=1, recovery_timeout=3600)
    calls = {
        OURS: ours(failing),
        "pybreaker": pyb(failing),
        "aiobreaker": aio(failing),
        "circuitbreaker": circuit(failing),
        "purgatory": inside(purgatory_one, failing),
        "pyresilience": pyresilience.resilient(circuit_breaker=config)(failing),
    }
    for call in calls.values():
        with contextlib.suppress(Exception):
            call()
    return {name: caught(call, Exception) for name, call in calls.items()}


def failing():
    return 1 / 0


def purgatory_breaker(threshold=5):
    return purgatory.SyncCircuitBreakerFactory(default_threshold=threshold, default_ttl=3600).get_breaker(
        "job"
    )


def inside(breaker, func):
    """Return a call inside the with-statement of a breaker."""

    def call():
        with breaker:
            return func()

    return call
