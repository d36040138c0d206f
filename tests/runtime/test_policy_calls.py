"""The policy's sentences about retry and breaker (§2, §3), by its literal names, numbers and signatures."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import random
from functools import partial

import pytest

import pytest_resilience
from pytest_resilience import (
    BusinessLogicError,
    CircuitBreaker,
    CircuitBreakerOpenError,
    CircuitState,
    FatalError,
    RetryableError,
    retry_with_exponential_backoff,
    retry_with_fixed_delay,
)


class Flaky:
    """Fail so often with an error, then return a value; count the calls."""

    def __init__(self, failures, error=RetryableError, value="rows"):
        self.failures = failures
        self.error = error
        self.value = value
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"failure {self.calls}")
        return self.value


@pytest.fixture
def sleeps(monkeypatch):
    """The seconds of each `time.sleep`, none of which takes any."""
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.fixture
def now(monkeypatch):
    """A list whose one number is the monotonic time."""
    moment = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: moment[0])
    return moment


def test_the_signatures_are_the_policys():
    """Positional parameters, their order and their defaults are as written; more are keyword-only."""
    retriable = (RetryableError,)
    expected = {
        retry_with_exponential_backoff: [
            ("max_retries", 3),
            ("base_delay", 2.0),
            ("max_delay", 60.0),
            ("jitter", True),
            ("retriable_exceptions", retriable),
        ],
        retry_with_fixed_delay: [("max_retries", 3), ("delay", 5.0)],
        CircuitBreaker: [("failure_threshold", 5), ("timeout", 60), ("expected_exception", Exception)],
    }

    for function, parameters in expected.items():
        positional = [
            (parameter.name, parameter.default)
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "func"
        ]

        assert parameters == positional


def test_the_defaults_make_four_attempts_with_doubling_delays(sleeps):
    """Without jitter the default delays are 2, 4 and 8 seconds; none follows the last attempt."""
    call = Flaky(9)

    with pytest.raises(RetryableError, match="failure 4"):
        retry_with_exponential_backoff(call, jitter=False)

    assert (call.calls, sleeps) == (4, [2.0, 4.0, 8.0])


def test_all_positional_arguments_work(sleeps):
    """A call written to the policy, by position, keeps working."""
    call = Flaky(2, ConnectionError)

    assert retry_with_exponential_backoff(call, 3, 1.0, 10.0, False, (ConnectionError,)) == "rows"
    assert sleeps == [1.0, 2.0]


def test_the_cap_ends_the_growth(sleeps):
    """No delay is longer than `max_delay`."""
    with pytest.raises(RetryableError):
        retry_with_exponential_backoff(Flaky(9), max_retries=6, jitter=False, max_delay=10)

    assert sleeps == [2.0, 4.0, 8.0, 10, 10, 10]


def test_jitter_draws_from_half_to_one_and_a_half_and_never_above_the_cap(sleeps):
    """With d the unjittered delay, each delay lies in [0.5·d, min(1.5·d, max_delay)]."""
    for _ in range(200):
        sleeps.clear()
        with pytest.raises(RetryableError):
            retry_with_exponential_backoff(Flaky(99), max_retries=6)

        for retry, delay in enumerate(sleeps):
            plain = min(2.0 * 2**retry, 60.0)
            assert 0.5 * plain <= delay <= min(1.5 * plain, 60.0)


@pytest.mark.parametrize(
    ("draw", "expected"),
    [(0.0, [1.0, 2.0, 4.0]), (0.5, [2.0, 4.0, 8.0]), (0.75, [2.5, 5.0, 10.0])],
)
def test_the_draw_comes_from_the_random_module(sleeps, monkeypatch, draw, expected):
    """Whoever pins `random.random` knows the delays; the middle draw is the unjittered delay itself."""
    monkeypatch.setattr("random.random", lambda: draw)

    with pytest.raises(RetryableError):
        retry_with_exponential_backoff(Flaky(9))

    assert expected == sleeps


def test_the_seed_of_the_random_module_decides(sleeps):
    """The same seed gives the same delays."""
    seen = []
    for _ in range(2):
        sleeps.clear()
        random.seed(7)
        with pytest.raises(RetryableError):
            retry_with_exponential_backoff(Flaky(9))
        seen.append(list(sleeps))

    assert seen[0] == seen[1]


def test_the_value_is_returned_as_it_is(sleeps):
    """What `func` returns comes back, falsy or not, and nothing is slept."""
    for value in (None, 0, [], "rows"):
        assert retry_with_exponential_backoff(lambda value=value: value) is value

    assert sleeps == []


def test_the_last_exception_is_raised_itself(sleeps):
    """Not a wrapper, not the first one: the very exception of the last attempt."""
    raised = [RetryableError(str(number)) for number in range(4)]
    upcoming = iter(raised)

    def call():
        raise next(upcoming)

    with pytest.raises(RetryableError) as caught:
        retry_with_exponential_backoff(call)

    assert raised[-1] is caught.value


@pytest.mark.parametrize(
    "error", [FatalError, BusinessLogicError, CircuitBreakerOpenError, ValueError, OSError, ConnectionError]
)
def test_any_other_exception_is_raised_at_once(sleeps, error):
    """What is not listed as retriable gets one attempt, in both functions."""
    for retry in (retry_with_exponential_backoff, retry_with_fixed_delay):
        call = Flaky(9, error)
        with pytest.raises(error):
            retry(call)

        assert (call.calls, sleeps) == (1, [])


def test_a_subclass_of_a_retriable_exception_is_retried(sleeps):
    """The classes are asked as `except` would ask them."""

    class PoolExhaustedError(RetryableError):
        pass

    call = Flaky(1, PoolExhaustedError)

    assert retry_with_exponential_backoff(call) == "rows"
    assert call.calls == 2


def test_retriable_exceptions_replace_the_default(sleeps):
    """With `(ConnectionError,)`, a `RetryableError` is not retried."""
    call = Flaky(9)
    with pytest.raises(RetryableError):
        retry_with_exponential_backoff(call, retriable_exceptions=(ConnectionError,))

    assert call.calls == 1


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("retriable", [(RetryableError,), (Exception,), (BaseException,)])
def test_exit_signals_and_cancellation_pass_through(sleeps, signal, retriable):
    """Whatever is listed as retriable, a signal to stop stops."""
    call = Flaky(9, signal)
    with pytest.raises(signal):
        retry_with_exponential_backoff(call, retriable_exceptions=retriable)

    assert (call.calls, sleeps) == (1, [])


def test_no_retries_is_one_attempt(sleeps):
    """`max_retries=0` calls once and raises what that raised."""
    for retry in (retry_with_exponential_backoff, retry_with_fixed_delay):
        call = Flaky(9)
        with pytest.raises(RetryableError, match="failure 1"):
            retry(call, max_retries=0)

        assert call.calls == 1


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"max_retries": -1}, "-1"),
        ({"base_delay": -0.5}, "-0.5"),
        ({"max_delay": -2}, "-2"),
        ({"base_delay": float("nan")}, "nan"),
        ({"base_delay": float("inf")}, "inf"),
    ],
)
def test_negative_values_are_refused_with_the_value(arguments, value):
    """Nonsense is refused before the first call, and the message quotes it."""
    call = Flaky(0)
    with pytest.raises(ValueError, match=value):
        retry_with_exponential_backoff(call, **arguments)

    assert call.calls == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_retries": 2.5},
        {"max_retries": None},
        {"max_retries": True},
        {"base_delay": "2"},
        {"retriable_exceptions": ("ValueError",)},
        {"retriable_exceptions": (int,)},
    ],
)
def test_wrong_types_are_refused(arguments):
    """A wrong type is refused before the first call."""
    call = Flaky(0)
    with pytest.raises(TypeError):
        retry_with_exponential_backoff(call, **arguments)

    assert call.calls == 0


def test_what_cannot_be_called_is_refused():
    """The result of a call in the place of the function is a common slip."""
    with pytest.raises(TypeError, match="expected a function, got 'rows'"):
        retry_with_exponential_backoff("rows")


def test_a_generator_function_is_refused():
    """Its code runs after the call has returned, where nothing could retry it."""

    def rows():
        yield 1

    with pytest.raises(TypeError, match="is a generator"):
        retry_with_exponential_backoff(rows)


def test_one_exception_class_and_a_list_are_accepted(sleeps):
    """`retriable_exceptions` may be what `except` takes, and a list."""
    for retriable in (ConnectionError, [ConnectionError]):
        assert (
            retry_with_exponential_backoff(Flaky(1, ConnectionError), retriable_exceptions=retriable)
            == "rows"
        )


def test_an_async_function_is_retried_when_it_is_awaited(sleeps):
    """The function form hands an async function's coroutine back with its retries in it."""
    calls = []

    async def call():
        calls.append(1)
        if len(calls) < 3:
            raise RetryableError("not yet")
        return "rows"

    for function in (call, partial(call)):
        calls.clear()

        assert asyncio.run(retry_with_exponential_backoff(function, base_delay=0)) == "rows"
        assert len(calls) == 3


def test_the_fixed_delay_is_five_seconds(sleeps):
    """Three more attempts, each five seconds after the last."""
    call = Flaky(9)
    with pytest.raises(RetryableError, match="failure 4"):
        retry_with_fixed_delay(call)

    assert (call.calls, sleeps) == (4, [5.0, 5.0, 5.0])


def test_the_fixed_delay_by_position(sleeps):
    """`retry_with_fixed_delay(func, 2, 0.5)` keeps working."""
    with pytest.raises(RetryableError):
        retry_with_fixed_delay(Flaky(9), 2, 0.5)

    assert sleeps == [0.5, 0.5]


def test_giving_up_is_logged(sleeps, caplog):
    """Used up: each retry is a warning, the end an error that names operation, attempts and error."""
    with pytest.raises(RetryableError):
        retry_with_exponential_backoff(Flaky(9))

    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3 + [logging.ERROR]
    last = caplog.records[-1]
    assert (last.event, last.attempts, last.error_type) == ("GaveUp", 4, "RetryableError")
    assert "failure 4" in last.getMessage()


def test_any_other_exception_is_logged(sleeps, caplog):
    """Raised at once, and logged as an error."""
    with pytest.raises(ValueError, match="failure 1"):
        retry_with_exponential_backoff(Flaky(9, ValueError))

    assert [(record.event, record.levelno) for record in caplog.records] == [("GaveUp", logging.ERROR)]
    assert "ValueError: failure 1" in caplog.text


def test_success_at_once_logs_nothing(caplog):
    """No news is good news."""
    retry_with_exponential_backoff(Flaky(0))

    assert caplog.records == []


# --- the breaker


def fail(breaker, times=1, error=ConnectionError):
    """Let calls fail through a breaker."""
    for _ in range(times):
        with pytest.raises(error):
            breaker.call(Flaky(1, error))


def test_the_states_have_the_policys_values():
    """`closed`, `open`, `half_open`."""
    assert {state.name: state.value for state in CircuitState} == {
        "CLOSED": "closed",
        "OPEN": "open",
        "HALF_OPEN": "half_open",
    }


def test_the_breaker_opens_after_five_failures_in_a_row():
    """Closed until the fifth; then calls are refused without being made."""
    breaker = CircuitBreaker()
    fail(breaker, 4)
    assert (breaker.state, breaker.failure_count) == (CircuitState.CLOSED, 4)

    fail(breaker)
    assert (breaker.state, breaker.failure_count) == (CircuitState.OPEN, 5)
    call = Flaky(0)
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(call)
    assert call.calls == 0


def test_success_clears_the_count():
    """Only failures in a row count."""
    breaker = CircuitBreaker(failure_threshold=3)
    fail(breaker, 2)
    assert breaker.call(lambda: "rows") == "rows"
    assert breaker.failure_count == 0
    fail(breaker, 2)

    assert breaker.state is CircuitState.CLOSED


def test_arguments_are_passed_on():
    """`.call(func, *args, **kwargs)`."""
    assert CircuitBreaker().call(lambda *args, **kwargs: (args, kwargs), 1, 2, key=3) == ((1, 2), {"key": 3})


def test_only_the_expected_exception_counts(now):
    """Others pass through, and neither count nor clear the count."""
    breaker = CircuitBreaker(2, 60, ConnectionError)
    fail(breaker)
    fail(breaker, 9, ValueError)
    assert (breaker.state, breaker.failure_count) == (CircuitState.CLOSED, 1)
    fail(breaker)

    assert breaker.state is CircuitState.OPEN


def test_after_the_timeout_a_trial_call_goes_through(now):
    """Exactly `timeout` seconds after the last failure, not before; while it runs the breaker is half-open."""
    breaker = CircuitBreaker(1, 60)
    fail(breaker)
    now[0] += 59.9
    with pytest.raises(CircuitBreakerOpenError) as refused:
        breaker.call(lambda: None)
    assert refused.value.retry_after == pytest.approx(0.1)
    now[0] += 0.1
    seen = breaker.call(lambda: breaker.state)

    assert (seen, breaker.state, breaker.failure_count) == (CircuitState.HALF_OPEN, CircuitState.CLOSED, 0)


def test_a_failed_trial_opens_it_again_for_a_whole_timeout(now):
    """The next trial is `timeout` seconds after the trial's failure."""
    breaker = CircuitBreaker(3, 60)
    fail(breaker, 3)
    now[0] += 60
    fail(breaker)
    assert breaker.state is CircuitState.OPEN
    now[0] += 59
    with pytest.raises(CircuitBreakerOpenError) as refused:
        breaker.call(lambda: None)

    assert refused.value.retry_after == pytest.approx(1)


def test_real_time_works_too():
    """Without any pretence: open, a real reset period, closed."""
    breaker = CircuitBreaker(failure_threshold=1, timeout=0.05)
    fail(breaker)
    answer = None
    while answer is None:
        with contextlib.suppress(CircuitBreakerOpenError):
            answer = breaker.call(lambda: "rows")

    assert (answer, breaker.state) == ("rows", CircuitState.CLOSED)


@pytest.mark.parametrize(
    ("arguments", "error", "value"),
    [
        ({"failure_threshold": 0}, ValueError, "0"),
        ({"failure_threshold": -1}, ValueError, "-1"),
        ({"failure_threshold": 2.5}, TypeError, "2.5"),
        ({"timeout": -1}, ValueError, "-1"),
        ({"timeout": "60"}, TypeError, "60"),
        ({"expected_exception": "ValueError"}, TypeError, "ValueError"),
        ({"half_open_max_calls": 0}, ValueError, "0"),
        ({"failure_rate": 50}, ValueError, "50"),
        ({"slow_rate": 0.5}, ValueError, "slow_call"),
    ],
)
def test_a_breaker_refuses_nonsense(arguments, error, value):
    """At once, with the value."""
    with pytest.raises(error, match=value):
        CircuitBreaker(**arguments)


def test_everything_the_policy_names_here_is_public():
    """The names of §2 and §3 are importable from the package."""
    names = {
        "RetryableError",
        "FatalError",
        "BusinessLogicError",
        "CircuitBreakerOpenError",
        "HealthCheckFailed",
        "retry_with_exponential_backoff",
        "retry_with_fixed_delay",
        "CircuitBreaker",
        "CircuitState",
    }

    assert names <= set(pytest_resilience.__all__)
