"""Many callers at once: threads and tasks, and what must be exact even then."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_resilience import CircuitBreaker, CircuitBreakerOpenError, CircuitState
from pytest_resilience.runtime.budget import RetryBudget
from pytest_resilience.testing import FakeClock, FlakyCall


@pytest.fixture
def restless():
    """Make threads change places all the time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def clock():
    """Time that stands still."""
    return FakeClock()


def tripped(clock, **settings):
    """Return a breaker that lets trial calls through next."""
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=(), **settings)
    with pytest.raises(ConnectionError):
        breaker.call(FlakyCall(ConnectionError()))
    clock.advance(60)
    return breaker


@pytest.mark.parametrize("places", [1, 3])
def test_a_thousand_threads_and_exactly_so_many_trials(clock, restless, places):
    """A half-open breaker lets exactly K of 1,000 simultaneous callers through."""
    breaker = tripped(clock, half_open_max_calls=places)
    callers, refused, admitted = 1000, threading.Semaphore(0), []
    all_others_refused = threading.Event()

    def trial():
        admitted.append(1)
        all_others_refused.wait()

    def caller():
        try:
            breaker.call(trial)
        except CircuitBreakerOpenError:
            refused.release()

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for _ in range(callers - places):
        refused.acquire()
    all_others_refused.set()
    for thread in threads:
        thread.join()

    assert (places, CircuitState.CLOSED) == (len(admitted), breaker.state)


@pytest.mark.parametrize("places", [1, 3])
def test_a_thousand_tasks_and_exactly_so_many_trials(clock, places):
    """The same for tasks."""
    breaker = tripped(clock, half_open_max_calls=places)

    async def main():
        admitted, gate = [], asyncio.Event()

        async def trial():
            admitted.append(1)
            await gate.wait()

        tasks = [asyncio.create_task(breaker.call_async(trial)) for _ in range(1000)]
        await asyncio.sleep(0)
        gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return len(admitted), sum(isinstance(result, CircuitBreakerOpenError) for result in results)

    assert asyncio.run(main()) == (places, 1000 - places)


def test_user_code_runs_side_by_side(clock):
    """The trap: a breaker that holds its lock while user code runs serialises all calls."""
    breaker = CircuitBreaker(clock=clock, slow_call=1, slow_rate=1)
    together = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: breaker.call(together.wait), range(8)))

    assert sorted(results) == list(range(8))


def test_failures_in_many_threads_are_all_counted(clock, restless):
    """No failure is lost to a race: the count is exact."""
    breaker = CircuitBreaker(10_000, clock=clock, listeners=())

    def failing(_):
        for _ in range(500):
            with pytest.raises(ConnectionError):
                breaker.call(FlakyCall(ConnectionError()))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(failing, range(8)))

    assert breaker.failure_count == 4000


def test_it_opens_exactly_once(clock, restless):
    """However many threads fail at the threshold, one event tells that it opened."""
    events = []
    breaker = CircuitBreaker(50, clock=clock, listeners=(events.append,))

    def failing(_):
        for _ in range(50):
            try:
                breaker.call(FlakyCall(ConnectionError()))
            except (ConnectionError, CircuitBreakerOpenError):
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(failing, range(8)))

    assert [name for name in (type(event).__name__ for event in events) if name != "CallRejected"] == [
        "CircuitOpened"
    ]


def test_a_budget_is_exact_in_many_threads(clock, restless):
    """Of many threads that ask at once, no more get a retry than there are."""
    budget = RetryBudget(minimum=10, ratio=0.2, clock=clock)
    for _ in range(500):
        budget.begin()
    with ThreadPoolExecutor(8) as pool:
        granted = sum(pool.map(lambda _: sum(budget.spend() for _ in range(100)), range(8)))

    assert granted == 100
