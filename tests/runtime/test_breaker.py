"""The breaker beyond the policy's sentences: forms, outcomes, leases, windows, events, the registry."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
from functools import partial

import pytest

from pytest_resilience import CircuitBreaker, CircuitBreakerOpenError, CircuitState
from pytest_resilience.events import CallRejected, CircuitClosed, CircuitHalfOpened, CircuitOpened
from pytest_resilience.runtime.breaker_registry import BreakerRegistry
from pytest_resilience.testing import EventLog, FakeClock, FlakyCall

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


@pytest.fixture
def clock():
    """Time that stands still."""
    return FakeClock(monotonic=0.0)


@pytest.fixture
def half_open(clock):
    """Make a breaker that lets trial calls through next."""

    def make(**settings):
        breaker = CircuitBreaker(1, 60, clock=clock, listeners=(), **settings)
        fail(breaker)
        clock.advance(60)
        return breaker

    return make


def fail(breaker, times=1, error=ConnectionError):
    """Let calls fail through a breaker."""
    for _ in range(times):
        with pytest.raises(error):
            breaker.call(FlakyCall(error()))


def is_refused(breaker):
    """Return whether a call is refused."""
    try:
        with breaker.calling():
            return False
    except CircuitBreakerOpenError:
        return True


# --- forms


def by_block(breaker, call):
    """Call inside the with-statement."""
    with breaker.calling():
        call()


async def by_async_block(breaker, call):
    """Call inside the async with-statement."""
    async with breaker.calling():
        await call.call_async()


FORMS = {
    "call": lambda breaker, call: breaker.call(call),
    "decorator": lambda breaker, call: breaker(call)(),
    "block": by_block,
    "async call": lambda breaker, call: asyncio.run(breaker.call_async(call.call_async)),
    "async decorator": lambda breaker, call: asyncio.run(breaker(call.call_async)()),
    "async block": lambda breaker, call: asyncio.run(by_async_block(breaker, call)),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_count_alike(clock, form):
    """Function, decorator and with-statement, sync and async, lead to the same state."""
    breaker, call = CircuitBreaker(2, clock=clock, listeners=()), FlakyCall(ConnectionError())
    for _ in range(2):
        with pytest.raises(ConnectionError):
            FORMS[form](breaker, call)
    with pytest.raises(CircuitBreakerOpenError):
        FORMS[form](breaker, call)

    assert (breaker.state, breaker.failure_count, len(call.calls)) == (OPEN, 2, 2)


def test_a_coroutine_counts_when_it_is_awaited(clock):
    """The trap: a sync call of an async function would count as success when the coroutine is made."""
    breaker = CircuitBreaker(1, clock=clock)
    call = FlakyCall(ConnectionError())
    with pytest.raises(ConnectionError):
        asyncio.run(breaker.call(partial(call.call_async)))

    assert breaker.state is OPEN


def test_the_decorator_names_the_breaker():
    """Messages say which breaker it was."""

    @CircuitBreaker(1)
    def load_stays():
        """Load."""
        raise ConnectionError

    with contextlib.suppress(ConnectionError):
        load_stays()
    with pytest.raises(CircuitBreakerOpenError, match="load_stays") as refused:
        load_stays()

    assert (round(refused.value.retry_after), load_stays.__name__) == (60, "load_stays")


def test_a_with_statement_is_entered_many_times_at_once(clock):
    """Each `calling()` is a call of its own: nested, in threads, in tasks."""
    breaker = CircuitBreaker(clock=clock)
    with breaker.calling(), breaker.calling():
        pass

    assert breaker.state is CLOSED


# --- outcomes


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_signals_to_stop_count_as_nothing(clock, signal):
    """Even where `expected_exception` is `BaseException`; and they pass through."""
    breaker = CircuitBreaker(1, 60, BaseException, clock=clock)
    for form in (breaker.call, breaker(FlakyCall(signal))):
        with pytest.raises(signal):
            form(FlakyCall(signal))

    assert (breaker.state, breaker.failure_count) == (CLOSED, 0)


def test_several_expected_exceptions(clock):
    """A tuple, as `except` takes it; subclasses count."""
    breaker = CircuitBreaker(2, 60, (TimeoutError, ConnectionError), clock=clock, listeners=())
    fail(breaker, 1, TimeoutError)
    fail(breaker, 1, ConnectionResetError)

    assert breaker.state is OPEN


def test_ignored_exceptions_do_not_count(clock):
    """They are neither failure nor success."""
    breaker = CircuitBreaker(2, clock=clock, ignored_exception=ValueError)
    fail(breaker)
    fail(breaker, 5, ValueError)

    assert (breaker.state, breaker.failure_count) == (CLOSED, 1)


def test_an_ignored_outcome_frees_the_trials_place(half_open):
    """A trial that says nothing about the dependency leaves the breaker half-open, and another may try."""
    breaker = half_open(ignored_exception=ValueError)
    fail(breaker, 3, ValueError)
    assert breaker.state is HALF_OPEN

    assert breaker.call(lambda: "rows") == "rows"
    assert breaker.state is CLOSED


# --- half-open


@pytest.mark.parametrize("places", [1, 3])
def test_exactly_so_many_trials_go_through(half_open, places):
    """The others are refused while those run."""
    breaker = half_open(half_open_max_calls=places, success_threshold=places)
    with contextlib.ExitStack() as trials:
        for _ in range(places):
            trials.enter_context(breaker.calling())

        assert is_refused(breaker)
    assert breaker.state is CLOSED


def test_a_cancelled_trial_frees_its_place(half_open):
    """A task that is cancelled in its trial call does not block the breaker."""
    breaker = half_open()

    async def main():
        never = asyncio.Event()
        task = asyncio.create_task(breaker.call_async(never.wait))
        await asyncio.sleep(0)
        assert is_refused(breaker)
        task.cancel()
        await asyncio.wait([task])
        return await breaker.call_async(asyncio.sleep, 0, "rows")

    assert asyncio.run(main()) == "rows"
    assert breaker.state is CLOSED


@pytest.mark.parametrize("call", [CircuitBreaker.call, CircuitBreaker.call_async])
def test_a_trial_that_is_never_awaited_holds_no_place(half_open, call):
    """Its task is cancelled before its first step, or it is closed: no code of it runs that could free it."""
    breaker = half_open()

    async def main():
        task = asyncio.create_task(call(breaker, asyncio.sleep, 0))
        task.cancel()
        await asyncio.wait([task])
        call(breaker, asyncio.sleep, 0).close()
        return await call(breaker, asyncio.sleep, 0, "rows")

    assert asyncio.run(main()) == "rows"
    assert breaker.state is CLOSED


def test_of_trials_that_wait_to_be_awaited_so_many_go_through(half_open):
    """Each takes its place with its first step; who finds none is refused, and its coroutine is closed."""
    breaker = half_open()

    async def main():
        trials = [breaker.call(lambda: asyncio.sleep(0, "rows")) for _ in range(2)]
        return await asyncio.gather(*trials, return_exceptions=True)

    first, second = asyncio.run(main())

    assert (first, type(second)) == ("rows", CircuitBreakerOpenError)


def test_a_hung_trial_frees_its_place_when_its_lease_is_over(half_open, clock):
    """The trap: one trial call that never returns blocks other libraries' breakers for ever."""
    breaker = half_open(trial_lease=20)
    with breaker.calling():
        clock.advance(19)
        with pytest.raises(CircuitBreakerOpenError) as refused:
            breaker.call(lambda: "rows")
        assert refused.value.retry_after == 1
        clock.advance(1)

        assert breaker.call(lambda: "rows") == "rows"
        assert breaker.state is CLOSED


def test_a_trial_whose_lease_is_over_still_counts_when_it_ends(half_open, clock):
    """It began in this half-open period, and says whether the dependency is back."""
    breaker = half_open(trial_lease=20)
    with breaker.calling():
        clock.advance(100)

    assert breaker.state is CLOSED


def test_several_successes_may_be_asked_for(half_open):
    """Then the first alone does not close it."""
    breaker = half_open(success_threshold=2)
    states = []
    for _ in range(2):
        breaker.call(lambda: None)
        states.append(breaker.state)

    assert states == [HALF_OPEN, CLOSED]


# --- results of an older state


def test_a_stale_success_does_not_close_an_open_breaker(clock):
    """The trap: a slow call that began before the outage ends well, and says nothing about now."""
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=())
    with breaker.calling():
        fail(breaker)

    assert breaker.state is OPEN


def test_a_stale_success_does_not_close_a_half_open_breaker(clock):
    """Nor while a trial runs."""
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=())
    slow = breaker.calling()
    slow.__enter__()
    fail(breaker)
    clock.advance(60)
    with breaker.calling():
        slow.__exit__(None, None, None)

        assert breaker.state is HALF_OPEN


def test_a_stale_failure_does_not_open_a_closed_breaker(clock):
    """A call that began in a time of trouble fails long after it: that trouble is over."""
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=())
    slow = breaker.calling()
    slow.__enter__()
    fail(breaker)
    clock.advance(60)
    breaker.call(lambda: None)
    slow.__exit__(ConnectionError, ConnectionError(), None)

    assert (breaker.state, breaker.failure_count) == (CLOSED, 0)


# --- time


def test_the_wall_clock_may_step(clock):
    """An hour back or forth neither opens the way nor bars it."""
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=())
    fail(breaker)
    for step in (3600, -7200, 3600):
        clock.step_time(step)
        assert is_refused(breaker)
    clock.advance(60)
    clock.step_time(-3600)

    assert not is_refused(breaker)


def test_a_reset_period_of_zero_tries_at_once(clock):
    """`timeout=0` never refuses."""
    breaker = CircuitBreaker(1, 0, clock=clock, listeners=())
    fail(breaker, 3)

    assert breaker.call(lambda: "rows") == "rows"


# --- windows


def test_a_failure_rate_opens_it(clock):
    """Half of at least ten calls in the window failed, never two in a row."""
    breaker = CircuitBreaker(99, clock=clock, listeners=(), failure_rate=0.5, minimum_calls=10)
    for _ in range(4):
        breaker.call(lambda: None)
        fail(breaker)
    assert breaker.state is CLOSED
    breaker.call(lambda: None)
    fail(breaker)

    assert breaker.state is OPEN


def test_old_calls_leave_the_window(clock):
    """What failed a window ago does not count any more."""
    breaker = CircuitBreaker(99, clock=clock, listeners=(), failure_rate=0.5, window=60, minimum_calls=10)
    fail(breaker, 9)
    clock.advance(61)
    for _ in range(9):
        breaker.call(lambda: None)
    fail(breaker)

    assert breaker.state is CLOSED


def test_slow_calls_open_it(clock):
    """A dependency that answers, but slowly, is as good as down."""
    breaker = CircuitBreaker(clock=clock, listeners=(), slow_call=2, slow_rate=1, minimum_calls=3)
    for _ in range(3):
        assert breaker.state is CLOSED
        breaker.call(clock.sleep, 2)

    assert breaker.state is OPEN


def test_a_slow_trial_opens_it_again(clock):
    """It succeeded, and is still too slow."""
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=(), slow_call=2, slow_rate=1, minimum_calls=99)
    fail(breaker)
    clock.advance(60)
    breaker.call(clock.sleep, 2)

    assert breaker.state is OPEN


# --- events, rejections, description


def test_events_tell_each_change(clock):
    """Opened with the error and the time, half-opened, opened again, closed; rejections too."""
    log = EventLog()
    breaker = CircuitBreaker(2, 60, name="labs", clock=clock, listeners=(log,))
    errors = [ConnectionError(), ConnectionError(), ConnectionError()]
    for error in errors[:2]:
        with contextlib.suppress(ConnectionError):
            breaker.call(FlakyCall(error))
    assert is_refused(breaker)
    clock.advance(60)
    with contextlib.suppress(ConnectionError):
        breaker.call(FlakyCall(errors[2]))
    clock.advance(60)
    breaker.call(lambda: None)

    assert log.events == [
        CircuitOpened("labs", 2, errors[1], 60),
        CallRejected("labs", 60),
        CircuitHalfOpened("labs"),
        CircuitOpened("labs", 3, errors[2], 60),
        CircuitHalfOpened("labs"),
        CircuitClosed("labs"),
    ]


def test_a_listener_may_use_the_breaker(clock):
    """No lock is held while it runs."""
    seen = []
    breaker = CircuitBreaker(1, clock=clock, listeners=(lambda _: seen.append(breaker.describe()["state"]),))
    fail(breaker)

    assert seen == ["open"]


def test_a_broken_listener_changes_nothing(clock):
    """The state is what it would have been."""

    def broken(event):
        raise ZeroDivisionError

    breaker = CircuitBreaker(1, 60, clock=clock, listeners=(broken,))
    fail(breaker)
    assert is_refused(breaker)
    clock.advance(60)
    breaker.call(lambda: None)

    assert breaker.state is CLOSED


def test_a_refusal_keeps_no_memory(clock):
    """Ten thousand refusals leave nothing behind."""
    breaker = CircuitBreaker(1, clock=clock, listeners=())
    call = breaker(lambda: None)
    fail(breaker)

    def refuse(times):
        for _ in range(times):
            with contextlib.suppress(CircuitBreakerOpenError):
                call()
        gc.collect()
        return sys.getallocatedblocks()

    refuse(100)
    before = refuse(100)

    assert refuse(10_000) - before < 500


def test_reset_closes_it(clock):
    """By hand."""
    breaker = CircuitBreaker(1, clock=clock, listeners=())
    fail(breaker)
    breaker.reset()

    assert (breaker.state, breaker.failure_count) == (CLOSED, 0)


def test_describe_is_plain_data(clock):
    """For a health page: name, state, count, seconds until the next trial, settings."""
    breaker = CircuitBreaker(1, 60, ConnectionError, name="labs", clock=clock, listeners=())
    fail(breaker)
    clock.advance(20)
    described = breaker.describe()
    settings = described.pop("settings")

    assert described == {"name": "labs", "state": "open", "failure_count": 1, "retry_after": 40.0}
    assert (settings["timeout"], settings["expected_exception"]) == (60, ["ConnectionError"])


# --- the registry


def test_the_registry_has_one_breaker_for_each_name(clock):
    """Whoever asks, in whatever thread."""
    registry = BreakerRegistry(failure_threshold=2, clock=clock, listeners=())
    found = []
    threads = [threading.Thread(target=lambda: found.append(registry.get("labs"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fail(registry.get("labs"), 2)

    assert len(set(map(id, found))) == 1
    assert (registry.get("labs").state, registry.get("warehouse").state) == (OPEN, CLOSED)
    assert [described["name"] for described in registry.describe()] == ["labs", "warehouse"]


def test_the_registry_is_bounded(clock):
    """The closed breaker unused for longest goes first; an open one stays while it can."""
    registry = BreakerRegistry(3, failure_threshold=1, clock=clock, listeners=())
    fail(registry.get("first"))
    for number in range(1000):
        registry.get(f"host {number}")
    names = [described["name"] for described in registry.describe()]

    assert names == ["first", "host 998", "host 999"]
    assert len(registry) == 3


def test_the_registry_is_bounded_even_when_all_are_open(clock):
    """Then the one unused for longest goes."""
    registry = BreakerRegistry(2, failure_threshold=1, clock=clock, listeners=())
    for name in ("a", "b", "c"):
        fail(registry.get(name))

    assert [described["name"] for described in registry.describe()] == ["b", "c"]


def test_the_registry_refuses_nonsense_at_once():
    """Not at the first call in production."""
    with pytest.raises(ValueError, match="failure_threshold"):
        BreakerRegistry(failure_threshold=0)
    with pytest.raises(ValueError, match="capacity"):
        BreakerRegistry(0)
