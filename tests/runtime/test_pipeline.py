"""The pipeline: one order, printed; marked answers of fallbacks; one object for all."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_resilience import (
    AttemptTimeoutError,
    CircuitBreaker,
    CircuitBreakerOpenError,
    CircuitState,
    DeadlineExceededError,
    Degraded,
    Pipeline,
    Retry,
    RetryableError,
)
from pytest_resilience.events import ServedDegraded
from pytest_resilience.runtime.backoff import FixedDelay
from pytest_resilience.testing import EventLog, FakeClock, FlakyCall

FOREVER = 3600
AT_ONCE = FixedDelay(0)


def rule_of_thumb(error):
    """What stands in."""
    return "about seven"


def quick_retry(**settings):
    """A retry that neither waits nor talks."""
    return Retry(backoff=AT_ONCE, listeners=(), **settings)


def test_the_order_is_fixed_and_printed():
    """Whatever the order of the arguments, and only what is there."""
    whole = Pipeline(
        timeout=2, breaker=CircuitBreaker(name="labs"), fallback=rule_of_thumb, retry=Retry(max_retries=4)
    )

    assert str(Pipeline()) == "call"
    assert str(Pipeline(timeout=0.5, retry=Retry())) == "retry(max_retries=3) > timeout(0.5 s) > call"
    name = f"{rule_of_thumb.__module__}.rule_of_thumb"
    assert f"fallback({name}) > retry(max_retries=4) > breaker(labs) > timeout(2 s) > call" == str(whole)


def test_each_attempt_counts_in_the_breaker():
    """The retry is outside: four attempts are four failures, and the open breaker ends the retrying."""
    breaker = CircuitBreaker(2, listeners=())
    call = FlakyCall(RetryableError("down"))
    with pytest.raises(CircuitBreakerOpenError):
        Pipeline(retry=quick_retry(), breaker=breaker).call(call)

    assert (len(call.calls), breaker.state) == (2, CircuitState.OPEN)


def test_slowness_counts_in_the_breaker():
    """The time-out is inside: an attempt that is ended is a failure, and is tried again."""
    breaker = CircuitBreaker(2, listeners=())
    pipeline = Pipeline(retry=quick_retry(max_retries=1), breaker=breaker, timeout=0.02, listeners=())
    for call in (lambda: pipeline.call(time.sleep, FOREVER), lambda: asyncio.run(_sleep(pipeline))):
        breaker.reset()
        with pytest.raises(AttemptTimeoutError):
            call()

        assert breaker.state is CircuitState.OPEN


async def _sleep(pipeline):
    await pipeline.call_async(asyncio.sleep, FOREVER)


def test_a_fallbacks_answer_is_marked():
    """It comes with the error that made it necessary, and listeners hear of it."""
    log, error = EventLog(), TypeError("no rows")
    pipeline = Pipeline(fallback=rule_of_thumb, retry=quick_retry(), listeners=(log,))

    def predict():
        raise error

    assert Degraded("about seven", error) == pipeline.call(predict)
    assert [ServedDegraded(f"{predict.__module__}.{predict.__qualname__}", error)] == log.events


def test_the_real_answer_is_not_marked():
    """What the call returns comes back as it is."""
    assert Pipeline(fallback=rule_of_thumb, retry=quick_retry()).call(lambda: "seven") == "seven"


def test_an_open_breaker_is_answered_by_the_fallback_at_once():
    """No retry, no wait."""
    clock = FakeClock()
    breaker = CircuitBreaker(1, clock=clock, listeners=())
    pipeline = Pipeline(
        fallback=lambda error: type(error).__name__,
        retry=Retry(clock=clock, listeners=()),
        breaker=breaker,
        listeners=(),
    )
    answers = [pipeline.call(FlakyCall(TypeError())).value for _ in range(3)]

    assert (answers, clock.sleeps) == (["TypeError"] + ["CircuitBreakerOpenError"] * 2, [])


def test_the_fallbacks_own_error_surfaces():
    """With what led to it as its context."""

    def broken(error):
        raise LookupError("no rule")

    with pytest.raises(LookupError) as caught:
        Pipeline(fallback=broken).call(FlakyCall(ConnectionError("down")))

    assert isinstance(caught.value.__context__, ConnectionError)


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_signals_to_stop_are_not_answered(signal):
    """A fallback is for errors."""
    whole = Pipeline(fallback=rule_of_thumb, retry=quick_retry(), breaker=CircuitBreaker(), timeout=60)
    with pytest.raises(signal):
        whole.call(FlakyCall(signal))
    with pytest.raises(TypeError, match="KeyboardInterrupt"):
        Pipeline(fallback=rule_of_thumb, fallback_on=(KeyboardInterrupt,))


def test_only_the_named_errors_are_answered():
    """A programming error need not be served to patients."""
    pipeline = Pipeline(fallback=rule_of_thumb, fallback_on=(ConnectionError,), listeners=())
    with pytest.raises(TypeError):
        pipeline.call(FlakyCall(TypeError()))

    assert pipeline.call(FlakyCall(ConnectionError())).value == "about seven"


def test_async_with_a_fallback_of_either_kind():
    """Sync or async."""

    async def async_rule(error):
        return "about seven"

    for fallback in (rule_of_thumb, async_rule):
        pipeline = Pipeline(fallback=fallback, retry=quick_retry(), listeners=())
        call = FlakyCall(RetryableError("down"))
        for form in (pipeline.call_async, pipeline.call):
            result = asyncio.run(_awaited(form(call.call_async)))

            assert result.value == "about seven"
        assert len(call.calls) == 8


def test_an_async_fallback_of_a_sync_call_is_refused():
    """Its answer would be a coroutine that nobody awaits; what failed is the cause."""

    async def async_rule(error):
        return "about seven"

    pipeline = Pipeline(fallback=async_rule, listeners=())
    with pytest.raises(TypeError, match="is async, and the call is not: use call_async") as refused:
        pipeline.call(FlakyCall(RetryableError("down")))

    assert isinstance(refused.value.__cause__, RetryableError)


@pytest.mark.parametrize("part", ["retry", "breaker", "fallback"])
def test_parts_that_are_none_are_refused(part):
    """When the pipeline is made, with the name of the part."""
    with pytest.raises(TypeError, match=f"{part} must be a .*, got 3"):
        Pipeline(**{part: 3})


async def _awaited(awaitable):
    return await awaitable


def test_a_decorated_function_keeps_its_name():
    """Sync and async."""
    pipeline = Pipeline(retry=quick_retry(), breaker=CircuitBreaker(), timeout=60)

    @pipeline
    def predict(x):
        """Predict."""
        return x

    @pipeline
    async def predict_async(x):
        return x

    assert (predict.__name__, predict.__doc__, predict(7)) == ("predict", "Predict.", 7)
    assert (predict_async.__name__, asyncio.run(predict_async(7))) == ("predict_async", 7)


def test_the_deadline_of_the_retry_is_the_whole_pipelines():
    """And the fallback answers when it is over."""
    pipeline = Pipeline(fallback=type, retry=quick_retry(deadline=0.05), timeout=60, listeners=())

    assert pipeline.call(time.sleep, FOREVER).value is DeadlineExceededError


def test_one_object_serves_many_threads_and_tasks():
    """Each operation has its own attempts."""
    pipeline = Pipeline(retry=quick_retry(), breaker=CircuitBreaker(10_000, listeners=()), timeout=60)

    def operation(_):
        call = FlakyCall(RetryableError("down"))
        with pytest.raises(RetryableError):
            pipeline.call(call)
        return len(call.calls)

    async def operation_async():
        call = FlakyCall(RetryableError("down"))
        with pytest.raises(RetryableError):
            await pipeline.call_async(call.call_async)
        return len(call.calls)

    async def main():
        return await asyncio.gather(*(operation_async() for _ in range(50)))

    with ThreadPoolExecutor(16) as pool:
        counts = list(pool.map(operation, range(50)))

    assert counts + asyncio.run(main()) == [4] * 100
