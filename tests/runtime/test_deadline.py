"""Deadlines: kept while code runs, nested, known to every layer inside."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
import time

import pytest

from pytest_resilience import AttemptTimeoutError, DeadlineExceededError, Retry, RetryableError
from pytest_resilience.events import AttemptAbandoned
from pytest_resilience.runtime.backoff import FixedDelay
from pytest_resilience.runtime.deadline import Deadline, remaining_time
from pytest_resilience.testing import EventLog, FakeClock, FlakyCall

AT_ONCE = FixedDelay(0)
FOREVER = 3600

hang = functools.partial(time.sleep, FOREVER)


@pytest.fixture
def silent_peer():
    """A socket on which nothing ever comes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def outcome_of(function):
    """Return what a function returned, or its lateness."""
    try:
        return function()
    except DeadlineExceededError as error:
        return error


def in_thread(function):
    """Run a function in a thread of its own; return what it returned, or its lateness."""
    outcome = []

    def body():
        outcome.append(outcome_of(function))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return outcome[0]


def spin():
    """Run Python code for ever."""
    while True:
        pass


# --- synchronous code


def test_a_sleep_in_the_main_thread_ends_at_the_deadline():
    """It does not go on until the attempt is over: without the interrupt this would take an hour."""
    with pytest.raises(DeadlineExceededError, match=r"load did not end within its 0.05 s") as caught:
        Deadline(0.05, operation="load").call(time.sleep, FOREVER)

    assert caught.value.limit == 0.05


def test_a_socket_in_the_main_thread_ends_at_the_deadline(silent_peer):
    """So does a read from a peer that never answers."""
    with pytest.raises(DeadlineExceededError), Deadline(0.05):
        silent_peer.recv(1)


def test_the_traceback_shows_where_the_code_was(silent_peer):
    """Whoever reads it sees what took so long."""

    def read_the_answer():
        silent_peer.recv(1)

    with pytest.raises(DeadlineExceededError) as caught:
        Deadline(0.05).call(read_the_answer)

    assert "read_the_answer" in [entry.name for entry in caught.traceback]


def test_python_code_in_another_thread_ends_at_the_deadline():
    """There CPython raises at the code's next step."""
    assert isinstance(in_thread(lambda: Deadline(0.05).call(spin)), DeadlineExceededError)


def test_what_cannot_be_interrupted_is_reported_as_abandoned(silent_peer):
    """A blocking call outside the main thread goes on: a listener hears of it, and its caller when it returns."""
    log, abandoned = EventLog(), threading.Event()

    def listener(event):
        log(event)
        abandoned.set()

    def operation():
        Deadline(0.05, operation="load", listeners=(listener,)).call(silent_peer.recv, 1)

    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(outcome_of(operation)), name="loader")
    thread.start()
    abandoned.wait()
    assert thread.is_alive()
    silent_peer.shutdown(socket.SHUT_RD)
    thread.join()

    assert [AttemptAbandoned("load", 0.05, "loader")] == log.events
    assert isinstance(outcome[0], DeadlineExceededError)


def test_a_swallowed_interrupt_is_still_late():
    """Code that catches everything and returns gets no success out of it."""

    def stubborn():
        with contextlib.suppress(BaseException):
            hang()
        return "rows"

    with pytest.raises(DeadlineExceededError):
        Deadline(0.05).call(stubborn)


def test_an_except_exception_does_not_swallow_the_interrupt():
    """A loop that goes on after every error is ended all the same."""

    def stubborn():
        while True:
            with contextlib.suppress(Exception):
                hang()

    with pytest.raises(DeadlineExceededError):
        Deadline(0.05).call(stubborn)


def test_the_codes_own_error_is_not_replaced():
    """Whoever is late with a real error surfaces with that."""
    clock = FakeClock()

    def fail():
        clock.advance(9)
        raise ConnectionError("reset")

    with pytest.raises(ConnectionError):
        Deadline(5, clock=clock).call(fail)
    with pytest.raises(ConnectionError), Deadline(5, clock=clock):
        fail()


def test_clean_up_runs_when_code_is_interrupted():
    """`finally` and `with` do their work."""
    closed = []
    with pytest.raises(DeadlineExceededError), Deadline(0.05), contextlib.closing(_Closable(closed)):
        hang()

    assert closed == ["closed"]


class _Closable:
    def __init__(self, closed):
        self._closed = closed

    def close(self):
        self._closed.append("closed")


def test_what_ends_in_time_is_never_interrupted_afterwards():
    """Many runs that end right at their deadline: none of the interrupts reaches the code outside."""
    late = 0
    for number in range(400):
        try:
            Deadline(0.0005).call(_work, number)
        except DeadlineExceededError:
            late += 1
        for _ in range(200):
            pass

    assert 0 <= late <= 400


def test_the_same_in_with_statements():
    """As a block, and as the block of an attempt."""
    policy = Retry(timeout=0.0005, max_retries=0, listeners=())
    for number in range(400):
        with contextlib.suppress(DeadlineExceededError), Deadline(0.0005):
            _work(number)
        with contextlib.suppress(AttemptTimeoutError):
            _in_a_loop(policy, number)
        for _ in range(200):
            pass


def _in_a_loop(policy, number):
    for attempt in policy:
        with attempt:
            _work(number)


def test_the_same_in_threads():
    """And with the interrupts of other threads."""

    def operate():
        for number in range(300):
            with contextlib.suppress(DeadlineExceededError):
                Deadline(0.0005).call(_work, number)
        return "unharmed"

    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(operate())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == ["unharmed"] * 4


def _work(number):
    for _ in range(number * 25):
        pass
    return number


def test_the_watcher_ends_when_there_is_nothing_to_watch():
    """No thread is left behind by deadlines that are over."""
    assert Deadline(0.01).call(lambda: "rows") == "rows"
    for thread in threading.enumerate():
        if thread.name == "resilience-deadlines":
            thread.join()


# --- nesting


def test_nested_layers_see_the_time_that_remains():
    """The nearest deadline counts, whether it is the outer one or the inner one."""
    clock = FakeClock()
    seen = [remaining_time()]
    with Deadline(10, clock=clock):
        clock.advance(4)
        seen.append(remaining_time())
        with Deadline(3, clock=clock):
            seen.append(remaining_time())
        with Deadline(30, clock=clock):
            seen.append(remaining_time())
        seen.append(remaining_time())
    seen.append(remaining_time())

    assert seen == [None, 6, 3, 6, 6, None]


@pytest.mark.parametrize(("outer", "inner", "named"), [(0.05, 30, "outer"), (30, 0.05, "inner")])
def test_the_nearer_deadline_is_the_one_that_speaks(outer, inner, named):
    """Its error names its operation."""
    with pytest.raises(DeadlineExceededError, match=named), Deadline(outer, operation="outer"):
        Deadline(inner, operation="inner").call(time.sleep, FOREVER)


def test_both_deadlines_at_once():
    """Two that end at the same moment, in many runs: one error surfaces, and nothing is left over."""
    for _ in range(20):
        with pytest.raises(DeadlineExceededError), Deadline(0.011, operation="outer"):
            Deadline(0.01, operation="inner").call(time.sleep, FOREVER)
        assert remaining_time() is None


def test_nothing_begins_when_the_time_is_over():
    """Neither code nor an attempt."""
    clock, call = FakeClock(), FlakyCall("rows")
    with contextlib.suppress(DeadlineExceededError), Deadline(5, clock=clock):
        clock.advance(6)
        for begin in (Deadline(1, clock=clock).call, Retry(clock=clock).call):
            with pytest.raises(DeadlineExceededError):
                begin(call)

    assert call.calls == []


def test_a_retry_inside_a_deadline_keeps_it():
    """It waits no longer than there is time, and gives up with the last real error."""
    clock, call = FakeClock(), FlakyCall(RetryableError("down"))
    with pytest.raises(RetryableError) as caught, Deadline(5, clock=clock):
        Retry(clock=clock, backoff=FixedDelay(2), max_retries=9).call(call)

    assert (len(call.calls), clock.sleeps) == (3, [2, 2])
    assert "its deadline leaves no time to wait 2 s" in caught.value.__notes__[0]


# --- the retry's own deadline and timeout


def test_the_deadline_is_kept_while_an_attempt_runs():
    """The trap: looked at only between attempts, 0.1 s became the length of the attempt."""
    calls = []

    def call():
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError("reset")
        hang()

    with pytest.raises(DeadlineExceededError) as caught:
        Retry(deadline=0.1, backoff=AT_ONCE, operation="load").call(call)

    assert isinstance(caught.value.__cause__, ConnectionError)


def test_an_attempt_that_takes_too_long_is_tried_again():
    """`timeout` is one attempt's; its error is retriable."""
    calls = []

    def call():
        calls.append(1)
        if len(calls) == 1:
            hang()
        return "rows"

    assert Retry(timeout=0.05, backoff=AT_ONCE).call(call) == "rows"
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("timeout", "deadline", "error"), [(0.03, 30, AttemptTimeoutError), (30, 0.03, DeadlineExceededError)]
)
def test_whichever_ends_first_decides(timeout, deadline, error):
    """The attempt's time-out, or the whole operation's deadline."""
    policy = Retry(timeout=timeout, deadline=deadline, max_retries=0)
    with pytest.raises(error):
        policy.call(time.sleep, FOREVER)
    with pytest.raises(error):
        asyncio.run(policy.call_async(asyncio.sleep, FOREVER))


def test_a_late_success_is_late():
    """On a clock that nobody can watch, lateness is found out at the end."""
    clock = FakeClock()
    with pytest.raises(DeadlineExceededError):
        Retry(deadline=5, clock=clock).call(clock.sleep, 6)


# --- asynchronous code


def test_a_task_is_cancelled_at_its_deadline():
    """As a block and as a call."""

    async def block():
        async with Deadline(0.02):
            await asyncio.sleep(FOREVER)

    async def call():
        await Deadline(0.02).call_async(asyncio.sleep, FOREVER)

    for form in (block, call):
        with pytest.raises(DeadlineExceededError):
            asyncio.run(form())


def test_cancellation_from_outside_stays_cancellation():
    """It is not taken for the deadline's own."""

    async def main():
        task = asyncio.create_task(Deadline(30).call_async(asyncio.sleep, FOREVER))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_a_task_that_ignores_its_cancellation_is_reported():
    """Like a thread that cannot be interrupted."""
    log = EventLog()

    async def stubborn(heard):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(FOREVER)
        await heard.wait()
        return "rows"

    async def main():
        heard = asyncio.Event()

        def listener(event):
            log(event)
            heard.set()

        await Deadline(0.02, operation="load", listeners=(listener,)).call_async(stubborn, heard)

    with pytest.raises(DeadlineExceededError):
        asyncio.run(main())
    assert [event.operation for event in log.of(AttemptAbandoned)] == ["load"]


def test_tasks_have_their_own_deadlines():
    """A context variable, not a global."""

    async def look(limit):
        async with Deadline(limit):
            await asyncio.sleep(0)
            return round(remaining_time())

    async def main():
        return await asyncio.gather(*(look(limit) for limit in (100, 200, 300)))

    assert asyncio.run(main()) == [100, 200, 300]


def test_a_sync_block_in_an_event_loop_does_not_interrupt_other_tasks():
    """Another task may be running when its time is over: lateness is found out at its end."""
    clock_is_over = asyncio.Event()

    async def other():
        asyncio.get_running_loop().call_later(0.1, clock_is_over.set)
        await clock_is_over.wait()
        return "unharmed"

    async def main():
        others = asyncio.create_task(other())
        with pytest.raises(DeadlineExceededError), Deadline(0.02):
            await asyncio.wait([others])
        return others.result()

    assert asyncio.run(main()) == "unharmed"


@pytest.mark.parametrize("limit", [-1, float("nan"), float("inf")])
def test_nonsense_is_refused(limit):
    """A deadline is a finite time from now."""
    with pytest.raises(ValueError, match="limit"):
        Deadline(limit)
