"""The error tree: one root, facts as attributes, nothing lost on the way to another process."""

from __future__ import annotations

import copy
import pickle

import pytest

from pytest_resilience import errors
from pytest_resilience.errors import (
    AttemptTimeoutError,
    BusinessLogicError,
    CheckpointDamagedError,
    CircuitBreakerOpenError,
    DeadlineExceededError,
    FatalError,
    HealthCheckFailed,
    ResilienceError,
    RetryableError,
    Severity,
)

CLASSES = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, BaseException)]


def test_there_is_one_root():
    """Whoever catches `ResilienceError` catches all of ours, and nothing else is in the tree."""
    assert all(issubclass(one, ResilienceError) for one in CLASSES)


def test_the_drawing_shows_every_class():
    """And the drawing is the tree."""
    assert all(f" {one.__name__} " in errors.__doc__ for one in CLASSES if one is not ResilienceError)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_takes_a_message_alone(kind):
    """As any exception does."""
    assert str(kind("what failed, where, what now")) == "what failed, where, what now"
    assert kind().args == ()


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (RetryableError("x", retry_after=60.0), {"retry_after": 60.0}),
        (AttemptTimeoutError("x", limit=2.0), {"limit": 2.0, "retry_after": None}),
        (DeadlineExceededError("x", limit=5.0), {"limit": 5.0}),
        (
            BusinessLogicError("x", rule="data_quality_score", value=0.8, threshold=0.9),
            {"rule": "data_quality_score", "value": 0.8, "threshold": 0.9},
        ),
        (
            CircuitBreakerOpenError("x", retry_after=3.0, breaker="labs"),
            {"retry_after": 3.0, "breaker": "labs"},
        ),
        (
            HealthCheckFailed("x", check="latency", value=0.5, limit=0.2),
            {"check": "latency", "value": 0.5, "limit": 0.2},
        ),
        (CheckpointDamagedError("x"), {}),
        (FatalError("x"), {}),
    ],
)
def test_facts_survive_pickling_and_copying(error, facts):
    """A worker process can hand them over."""
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert (type(error), ("x",)) == (type(copied), copied.args)
        assert facts == {name: getattr(copied, name) for name in facts}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BusinessLogicError(rule="model_auroc", value=0.7, threshold=0.75), ("model_auroc", "0.7", "0.75")),
        (HealthCheckFailed(check="latency", value=312, limit=200), ("latency", "312", "200")),
    ],
)
def test_what_is_broken_says_so_without_a_message(error, words):
    """What was measured, what is asked for, and what to do."""
    assert [word for word in words if word not in str(error)] == []
    assert str(type(error)()) == ""


def test_a_refusal_without_a_message_says_it_itself():
    """Which breaker, that the call was not made, when the next one may go, what to do."""
    message = str(CircuitBreakerOpenError(retry_after=12.5, breaker="labs"))

    assert "'labs' is open, so the call was not made" in message
    assert "12.5 s" in message
    assert "fallback" in message


def test_time_outs_are_time_outs():
    """Code that catches `TimeoutError` catches ours."""
    assert issubclass(AttemptTimeoutError, TimeoutError)
    assert issubclass(DeadlineExceededError, TimeoutError)


def test_severities_sort_from_bad_to_good():
    """In the order of the policy's table (§1)."""
    assert list(Severity) == ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]


def test_every_class_has_a_severity():
    """A damaged checkpoint puts data at risk."""
    assert all(isinstance(one.severity, Severity) for one in CLASSES)
    assert CheckpointDamagedError.severity is Severity.CRITICAL
