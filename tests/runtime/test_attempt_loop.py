"""The loop form: `for attempt in policy: with attempt: ...`."""

from __future__ import annotations

import asyncio

import pytest

from pytest_resilience import (
    AttemptTimeoutError,
    DeadlineExceededError,
    Retry,
    RetryableError,
    idempotency_key,
)
from pytest_resilience.runtime.backoff import FixedDelay
from pytest_resilience.testing import EventLog, FakeClock, FlakyCall

AT_ONCE = FixedDelay(0)


def loop(policy, function):
    """Call a function in the loop form."""
    for attempt in policy:
        with attempt:
            function()


def test_the_loop_ends_with_the_first_success():
    """Attempts are numbered from 1; what the block computed is there after the loop."""
    call = FlakyCall(RetryableError(), RetryableError(), "rows")
    numbers = []
    for attempt in Retry(backoff=AT_ONCE):
        with attempt:
            numbers.append(attempt.number)
            rows = call()

    assert (numbers, rows) == ([1, 2, 3], "rows")


def test_the_last_exception_leaves_the_loop():
    """Used up, or not retriable: it is raised where the block stands."""
    for error, attempts in ((RetryableError("down"), 4), (TypeError("wrong"), 1)):
        call = FlakyCall(error)
        with pytest.raises(type(error)):
            loop(Retry(backoff=AT_ONCE), call)

        assert attempts == len(call.calls)


def test_delays_lie_between_attempts():
    """The same delays as in the other forms."""
    clock = FakeClock()
    call = FlakyCall(RetryableError(), RetryableError(), "rows")
    for attempt in Retry(backoff=FixedDelay(2), clock=clock):
        with attempt:
            call()

    assert clock.sleeps == [2, 2]


@pytest.mark.parametrize("leave", ["break", "return"])
def test_leaving_the_block_early_is_success(leave):
    """`break` and `return` inside the block end the loop."""
    log = EventLog()

    def load():
        for attempt in Retry(backoff=AT_ONCE, listeners=(log,)):
            with attempt:
                if leave == "return":
                    return "rows"
                break
        return "rows"

    assert load() == "rows"
    assert log.events == []


def test_forgetting_the_with_is_an_error_and_no_endless_loop():
    """An attempt that was not used says what is missing."""
    with pytest.raises(RuntimeError, match="with attempt"):
        for _ in Retry():
            pass


def test_one_policy_begins_anew_in_each_loop():
    """A policy object holds no attempts."""
    policy = Retry(backoff=AT_ONCE, max_retries=1)
    for _ in range(3):
        call = FlakyCall(RetryableError(), "rows")
        for attempt in policy:
            with attempt:
                call()

        assert len(call.calls) == 2


def test_events_name_the_function_around_the_loop():
    """A block has no name of its own."""
    log = EventLog()
    call = FlakyCall(RetryableError(), "rows")
    for attempt in Retry(backoff=AT_ONCE, listeners=(log,)):
        with attempt:
            call()

    assert log.events[0].operation.endswith("test_events_name_the_function_around_the_loop")


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_signals_to_stop_leave_the_loop(signal):
    """None of them is swallowed."""
    call = FlakyCall(signal)
    with pytest.raises(signal):
        loop(Retry(backoff=AT_ONCE, retriable_exceptions=(BaseException,)), call)

    assert len(call.calls) == 1


def test_the_async_loop():
    """`async for`, with `with` or `async with` inside."""

    async def main():
        counts = []
        call = FlakyCall(RetryableError(), "rows")
        async for attempt in Retry(backoff=AT_ONCE):
            with attempt:
                await call.call_async()
        counts.append(len(call.calls))
        call = FlakyCall(RetryableError(), "rows")
        async for attempt in Retry(backoff=AT_ONCE):
            async with attempt:
                await call.call_async()
        counts.append(len(call.calls))
        return counts

    assert asyncio.run(main()) == [2, 2]


def test_a_timeout_cancels_an_async_attempt_and_the_next_one_follows():
    """The time-out of one attempt is retriable."""

    async def main():
        never = asyncio.Event()
        async for attempt in Retry(backoff=AT_ONCE, timeout=0.05, max_retries=1):
            async with attempt:
                if attempt.number == 1:
                    await never.wait()
        return attempt.number

    assert asyncio.run(main()) == 2


def test_a_timeout_interrupts_a_sync_attempt_and_the_last_one_surfaces():
    """In the main thread the with-statement of an attempt interrupts its block."""
    attempts = []

    def spin():
        attempts.append(1)
        while True:
            pass

    with pytest.raises(AttemptTimeoutError):
        loop(Retry(backoff=AT_ONCE, timeout=0.05, max_retries=1, listeners=()), spin)

    assert len(attempts) == 2


def test_the_deadline_holds_for_the_whole_loop():
    """No attempt begins that cannot fit; the last real exception surfaces."""
    clock = FakeClock()
    call = FlakyCall(RetryableError("down"))
    with pytest.raises(RetryableError, match="down") as caught:
        loop(Retry(backoff=FixedDelay(3), deadline=5, clock=clock, max_retries=9), call)

    assert (len(call.calls), clock.sleeps) == (2, [3])
    assert "its deadline leaves no time" in caught.value.__notes__[0]


def test_a_block_that_ends_late_is_late():
    """Its deadline is over: that is an error, even if the block succeeded."""
    clock = FakeClock()
    with pytest.raises(DeadlineExceededError):
        loop(Retry(deadline=5, clock=clock), lambda: clock.advance(6))


def test_the_block_finds_its_key():
    """As in the other forms: one for all attempts, and none outside."""
    seen = []
    for attempt in Retry(backoff=AT_ONCE, write=True, key="order-7", max_retries=1):
        with attempt:
            seen.append(idempotency_key())
            if attempt.number == 1:
                raise RetryableError("down")

    assert (seen, idempotency_key()) == (["order-7", "order-7"], None)
