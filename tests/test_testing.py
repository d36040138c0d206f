"""What users test with: time that takes no time, a log of events, calls that fail on cue."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from pytest_resilience import (
    CircuitBreaker,
    CircuitBreakerOpenError,
    CircuitState,
    DeadlineExceededError,
    Retry,
    RetryableError,
    retry_with_exponential_backoff,
    retry_with_fixed_delay,
)
from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.events import GaveUp
from pytest_resilience.testing import FakeClock, FlakyCall, event_log, virtual_time


def test_real_default_delays_take_no_time():
    """The policy's functions, with their own defaults."""
    with virtual_time() as clock:
        for retry in (retry_with_exponential_backoff, retry_with_fixed_delay):
            with pytest.raises(RetryableError):
                retry(FlakyCall(RetryableError("down")))

    assert len(clock.sleeps) == 6
    assert clock.sleeps[3:] == [5.0] * 3


def test_reset_periods_are_virtual_too():
    """Also of breakers that were made before."""
    breaker = CircuitBreaker(1)
    with virtual_time() as clock:
        with pytest.raises(RetryableError):
            breaker.call(FlakyCall(RetryableError()))
        with pytest.raises(CircuitBreakerOpenError):
            breaker.call(int)
        clock.advance(60)

        assert breaker.call(int) == 0
    assert breaker.state is CircuitState.CLOSED


def test_deadlines_are_virtual_too():
    """Sync and async."""
    with virtual_time() as clock:
        with pytest.raises(DeadlineExceededError):
            Retry(deadline=60).call(clock.advance, 61)
        with pytest.raises(DeadlineExceededError):
            asyncio.run(Retry(deadline=60).call_async(clock.sleep_async, 61))


def test_time_is_real_again_afterwards():
    """Even when the block fails."""
    with pytest.raises(ZeroDivisionError), virtual_time():
        raise ZeroDivisionError

    assert abs(SYSTEM_CLOCK.time() - time.time()) < 3600


def test_time_cannot_be_virtual_twice():
    """The inner block would end the outer one's time."""
    with virtual_time(), pytest.raises(RuntimeError, match="virtual already"), virtual_time():
        pass
    with virtual_time():
        pass


def test_a_fake_clock_goes_forward_only():
    """The wall clock alone may step."""
    clock = FakeClock(monotonic=10, time=100)
    with pytest.raises(ValueError, match="-1"):
        clock.advance(-1)
    clock.step_time(-50)

    assert (clock.monotonic(), clock.time()) == (10, 50)


def test_a_fake_clock_is_safe_for_threads():
    """No sleep is lost."""
    clock = FakeClock(monotonic=0)
    threads = [threading.Thread(target=lambda: [clock.sleep(1) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (clock.monotonic(), len(clock.sleeps)) == (4000, 4000)


def test_the_event_log_hears_the_whole_process():
    """Until its block ends."""
    policy = Retry(max_retries=0, operation="load")
    with event_log() as log:
        for _ in range(2):
            with pytest.raises(RetryableError):
                policy.call(FlakyCall(RetryableError("down")))
    with pytest.raises(RetryableError):
        policy.call(FlakyCall(RetryableError("down")))

    assert [event.operation for event in log.of(GaveUp)] == ["load", "load"]


def test_a_flaky_call_plays_its_outcomes():
    """Exceptions and classes are raised, values returned, the last one stays; arguments are kept."""
    call = FlakyCall(ConnectionError, TimeoutError("slow"), "rows")
    with pytest.raises(ConnectionError):
        call(1)
    with pytest.raises(TimeoutError, match="slow"):
        asyncio.run(call.call_async(2))

    assert [call(), call(key=3)] == ["rows", "rows"]
    assert call.calls == [((1,), {}), ((2,), {}), ((), {}), ((), {"key": 3})]
    with pytest.raises(ValueError, match="at least one"):
        FlakyCall()


def test_it_all_works_without_pytest():
    """Nothing of it imports pytest."""
    program = "import sys, pytest_resilience.testing; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
