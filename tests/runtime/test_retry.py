"""The retry beyond the policy's two functions: one engine under a function, a decorator and a loop."""

from __future__ import annotations

import asyncio
import functools
import gc
import pickle
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from pytest_resilience import CircuitBreaker, CircuitBreakerOpenError, Pipeline, Retry, RetryableError, retry
from pytest_resilience.events import AttemptFailed, GaveUp, RetriesSucceeded
from pytest_resilience.runtime.backoff import FixedDelay
from pytest_resilience.runtime.idempotency import idempotency_key
from pytest_resilience.testing import EventLog, FakeClock, FlakyCall

AT_ONCE = FixedDelay(0)


def test_the_decorator_keeps_the_function_recognisable():
    """Name, docstring and signature stay, and arguments are passed on."""

    @retry(backoff=AT_ONCE)
    def load(table: str, *, limit: int = 5) -> str:
        """Load."""
        return f"{table} {limit}"

    assert (load.__name__, load.__doc__, load("stays", limit=7)) == ("load", "Load.", "stays 7")


def test_the_decorator_works_without_parentheses():
    """`@retry` is `@retry()`."""

    @retry
    def load():
        return "rows"

    assert load() == "rows"


def test_methods_and_async_functions_are_decorated_alike():
    """One decorator for functions, methods and async functions."""
    call = FlakyCall(RetryableError("no"), "rows")

    class Store:
        @retry(backoff=AT_ONCE)
        async def load(self, table):
            return await call.call_async(table)

    assert asyncio.run(Store().load("stays")) == "rows"
    assert call.calls == [(("stays",), {})] * 2


def test_partials_and_async_callables_are_known_as_async():
    """Neither hides that a coroutine comes back."""

    class Loader:
        async def __call__(self, table):
            return table

    async def load(table):
        return table

    for function in (Loader(), functools.partial(load)):
        wrapped = Retry()(function)

        assert asyncio.run(wrapped("stays")) == "stays"


def test_a_generator_cannot_be_decorated():
    """It would only look retried."""
    with pytest.raises(TypeError, match="is a generator"):

        @retry
        def rows():
            yield 1


def test_the_surfacing_exception_tells_attempts_and_time():
    """The last real exception, with a note on how often and how long it was tried."""
    clock = FakeClock()
    policy = Retry(clock=clock, backoff=FixedDelay(2), operation="load stays")
    with pytest.raises(RetryableError, match="down") as caught:
        policy.call(FlakyCall(RetryableError("down")))

    assert caught.value.__notes__ == [
        "pytest_resilience: load stays failed 4 times, the last 6 s after the first; all 3 retries are used up"
    ]


def test_one_instance_raised_for_ever_does_not_collect_notes():
    """Some code keeps one exception and raises it again and again: its notes do not grow."""
    error = RetryableError("down")
    policy = Retry(clock=FakeClock())
    for _ in range(5):
        with pytest.raises(RetryableError):
            policy.call(FlakyCall(error))

    assert len(error.__notes__) == 1


def test_earlier_failures_are_no_context_of_the_last():
    """Each attempt begins outside of the handler of the one before."""
    raised = [RetryableError(str(number)) for number in range(3)]
    with pytest.raises(RetryableError, match="2") as caught:
        Retry(max_retries=2, backoff=AT_ONCE).call(FlakyCall(*raised))

    assert caught.value.__context__ is None


def test_a_failed_operation_is_not_kept_alive():
    """No cycle of exception and frames holds on to what the attempts held."""

    class Rows:
        pass

    rows = Rows()
    gone = weakref.ref(rows)

    def call(argument):
        raise RetryableError("down")

    gc.disable()
    try:
        for policy in (Retry(backoff=AT_ONCE), Retry(backoff=AT_ONCE, deadline=60)):
            with pytest.raises(RetryableError):
                policy.call(call, rows)
        del rows

        assert gone() is None
    finally:
        gc.enable()


def test_events_tell_the_whole_story():
    """Each failure with its delay, and the success in the end."""
    clock, log = FakeClock(), EventLog()
    error = RetryableError("down")
    policy = Retry(clock=clock, listeners=(log,), backoff=FixedDelay(3), operation="load")
    policy.call(FlakyCall(error, error, "rows"))

    assert log.events == [
        AttemptFailed("load", 1, error, 3),
        AttemptFailed("load", 2, error, 3),
        RetriesSucceeded("load", 3, 6),
    ]


def test_a_broken_listener_changes_nothing(caplog):
    """What a listener raises is logged, and neither the result nor the other listeners are touched."""
    log = EventLog()

    def broken(event):
        raise ZeroDivisionError

    policy = Retry(backoff=AT_ONCE, listeners=(broken, log))

    assert policy.call(FlakyCall(RetryableError(), "rows")) == "rows"
    assert len(log.events) == 2
    assert "failed with ZeroDivisionError" in caplog.text


def test_ctrl_c_in_a_listener_is_not_swallowed():
    """It is no failure of the listener."""

    def listener(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Retry(backoff=AT_ONCE, listeners=(listener,)).call(FlakyCall(RetryableError(), "rows"))


# --- what is retriable


def test_foreign_exceptions_are_classified():
    """`Retry` asks the classifier: a broken connection is tried again, a programming error is not."""
    policy = Retry(backoff=AT_ONCE)
    broken, wrong = FlakyCall(ConnectionResetError(104, "reset"), "rows"), FlakyCall(TypeError("no"), "rows")

    assert policy.call(broken) == "rows"
    with pytest.raises(TypeError):
        policy.call(wrong)
    assert len(wrong.calls) == 1


def test_an_open_breaker_is_never_retried():
    """Even where every exception is listed."""
    breaker = CircuitBreaker(failure_threshold=2)
    call = FlakyCall(ConnectionError("down"))
    policy = Retry(max_retries=9, backoff=AT_ONCE, retriable_exceptions=(Exception,))
    with pytest.raises(CircuitBreakerOpenError) as caught:
        policy.call(breaker.call, call)

    assert len(call.calls) == 2
    assert isinstance(caught.value.__cause__, ConnectionError)


# --- Retry-After


@pytest.mark.parametrize(("asked", "delay"), [(7, 7), (0.5, 2), (None, 2), (0, 2), (120, 120)])
def test_retry_after_is_honoured(asked, delay):
    """The delay is at least what the other side asks for, even above `max_delay`."""
    clock = FakeClock()
    policy = Retry(clock=clock, backoff=FixedDelay(2), max_retries=1)
    policy.call(FlakyCall(RetryableError("slow down", retry_after=asked), "rows"))

    assert [delay] == clock.sleeps


def test_an_absurd_retry_after_is_given_up():
    """To wait for an hour is not this layer's decision; to come earlier would not be polite."""
    clock = FakeClock()
    call = FlakyCall(RetryableError("slow down", retry_after=3600))
    with pytest.raises(RetryableError) as caught:
        Retry(clock=clock).call(call)

    assert (len(call.calls), clock.sleeps) == (1, [])
    assert caught.value.retry_after == 3600


# --- layers


def test_layers_do_not_multiply():
    """3 x 4 stays ≤ 4: what an inner retry has given up is not tried again by an outer one."""
    call = FlakyCall(RetryableError("down"))
    inner = Retry(max_retries=3, backoff=AT_ONCE)
    outer = Retry(max_retries=2, backoff=AT_ONCE)
    with pytest.raises(RetryableError):
        outer.call(inner.call, call)

    assert len(call.calls) == 4


def test_an_exception_that_takes_no_attributes_is_raised_as_it_is():
    """A frozen dataclass refuses them; layers do not multiply for it either."""

    @dataclass(frozen=True)
    class RefusedError(ConnectionError):
        code: int

    call = FlakyCall(RefusedError(3))
    inner = Retry(max_retries=1, backoff=AT_ONCE)
    with pytest.raises(RefusedError):
        Retry(max_retries=2, backoff=AT_ONCE).call(inner.call, call)

    assert len(call.calls) == 2


def test_layers_do_not_multiply_through_a_translation():
    """Nor does an exception that was raised from the exhausted one."""
    call = FlakyCall(ConnectionError("down"))
    inner = Retry(max_retries=3, backoff=AT_ONCE)

    def load():
        try:
            inner.call(call)
        except ConnectionError as error:
            raise RetryableError("no rows") from error

    with pytest.raises(RetryableError):
        Retry(max_retries=2, backoff=AT_ONCE).call(load)

    assert len(call.calls) == 4


GIVES_UP = """
import pickle, sys
from pytest_resilience import Retry, RetryableError
from pytest_resilience.runtime.backoff import FixedDelay
from pytest_resilience.testing import FlakyCall
try:
    Retry(max_retries=1, backoff=FixedDelay(0)).call(FlakyCall(RetryableError("down")))
except RetryableError as error:
    sys.stdout.buffer.write(pickle.dumps(error))
"""


def test_layers_do_not_multiply_across_processes():
    """What a worker process has given up comes back by pickle, as from a pool of them, and is not tried again."""
    with pytest.raises(RetryableError):  # marks here are newer than the first one there
        Retry(max_retries=1, backoff=AT_ONCE).call(FlakyCall(RetryableError("down")))
    calls = []

    def load():
        calls.append(1)
        told = subprocess.run([sys.executable, "-c", GIVES_UP], stdout=subprocess.PIPE, check=True).stdout
        raise pickle.loads(told)  # noqa: S301 - the lines above wrote it

    with pytest.raises(RetryableError, match="down"):
        Retry(max_retries=2, backoff=AT_ONCE).call(load)

    assert calls == [1]


async def _in_a_group(inner):
    async with asyncio.TaskGroup() as group:
        group.create_task(inner())


async def _translated_without_from(inner):
    try:
        await inner()
    except ConnectionError:
        raise ConnectionError("the labs are away")  # noqa: B904 - people forget it


@pytest.mark.parametrize("between", [_in_a_group, _translated_without_from])
def test_layers_do_not_multiply_through_groups_and_translations(between):
    """A task group carries what its tasks raised, and a translation what it was raised while handling."""
    call = FlakyCall(ConnectionError("refused"))

    async def inner():
        return call()

    inner_layer = Retry(max_retries=3, backoff=AT_ONCE)
    outer_layer = Retry(max_retries=2, backoff=AT_ONCE)

    with pytest.raises((ConnectionError, ExceptionGroup)):
        asyncio.run(outer_layer.call_async(between, lambda: inner_layer.call_async(inner)))

    assert len(call.calls) == 4


def test_what_was_handled_before_is_no_layer():
    """A failure whose cause is denied, and one that the handling of another came to an end before."""
    call = FlakyCall(ConnectionError("refused"))
    inner = Retry(max_retries=1, backoff=AT_ONCE)

    def denied():
        try:
            inner.call(call)
        except ConnectionError:
            raise RetryableError("something else") from None

    with pytest.raises(RetryableError):
        Retry(max_retries=2, backoff=AT_ONCE).call(denied)

    assert len(call.calls) == 6


@pytest.mark.parametrize("carried", ["cause", "group"])
def test_an_open_breaker_is_not_retried_however_it_is_told(carried):
    """Translated `from` it, or in a group: it stays open for longer than any wait."""
    open_now, calls = CircuitBreakerOpenError(breaker="labs"), []

    def call():
        calls.append(1)
        if carried == "group":
            raise ExceptionGroup("both", [ConnectionError("refused"), open_now])
        raise RetryableError("the labs are away") from open_now

    with pytest.raises((RetryableError, ExceptionGroup)):
        Retry(max_retries=2, backoff=AT_ONCE, retriable_exceptions=(Exception,)).call(call)

    assert calls == [1]


def test_layers_multiply_on_request():
    """`retry_exhausted=True` is for who means it."""
    call = FlakyCall(RetryableError("down"))
    outer = Retry(max_retries=2, backoff=AT_ONCE, retry_exhausted=True)
    with pytest.raises(RetryableError):
        outer.call(Retry(max_retries=3, backoff=AT_ONCE).call, call)

    assert len(call.calls) == 12


def test_a_mark_of_yesterday_does_not_count():
    """One instance that was exhausted once is tried again in the next operation, inside others or not."""
    error = RetryableError("down")
    policy = Retry(max_retries=3, backoff=AT_ONCE)
    for _ in range(3):
        call = FlakyCall(error)
        with pytest.raises(RetryableError):
            policy.call(call)

        assert len(call.calls) == 4


def test_an_inner_layer_whose_time_is_over_has_exhausted_its_error():
    """Its deadline ends its retries as their number does."""
    clock = FakeClock()

    def call():
        clock.advance(3)
        calls.append(1)
        raise RetryableError("down")

    calls = []
    inner = Retry(max_retries=9, backoff=AT_ONCE, deadline=5, clock=clock)
    with pytest.raises(RetryableError):
        Retry(max_retries=2, backoff=AT_ONCE, clock=clock).call(inner.call, call)

    assert len(calls) == 2


def test_an_inner_layer_without_retries_leaves_them_to_the_outer():
    """`max_retries=0` has not tried, and so has exhausted nothing."""
    call = FlakyCall(RetryableError("down"))
    inner = Retry(max_retries=0, backoff=AT_ONCE)
    with pytest.raises(RetryableError):
        Retry(max_retries=2, backoff=AT_ONCE).call(inner.call, call)

    assert len(call.calls) == 3


# --- writes


@pytest.mark.parametrize(
    ("settings", "attempts"),
    [
        ({}, 4),
        ({"write": True}, 1),
        ({"write": True, "idempotent": True}, 4),
        ({"write": True, "key": "order-7"}, 4),
    ],
)
def test_a_write_is_tried_again_only_if_that_is_safe(settings, attempts):
    """Declared idempotent, or given a key; else its first failure is its last."""
    call = FlakyCall(RetryableError("down"))
    with pytest.raises(RetryableError):
        Retry(backoff=AT_ONCE, **settings).call(call)

    assert attempts == len(call.calls)


def test_the_key_is_one_for_all_attempts_and_another_for_each_operation():
    """The code that writes finds it; outside there is none."""
    seen = []
    keys = iter(["first", "second"])

    @retry(backoff=AT_ONCE, write=True, key=lambda: next(keys), max_retries=1)
    def write():
        seen.append(idempotency_key())
        raise RetryableError("down")

    for _ in range(2):
        with pytest.raises(RetryableError):
            write()

    assert (seen, idempotency_key()) == (["first", "first", "second", "second"], None)


# --- sharing


def test_a_hundred_threads_share_one_policy():
    """Each operation gets exactly its own attempts: 1 + 3, whatever the others do."""
    policy = Retry(backoff=AT_ONCE, listeners=())
    start = threading.Barrier(100)

    def operation(_):
        call = FlakyCall(RetryableError("down"))
        start.wait()
        with pytest.raises(RetryableError):
            policy.call(call)
        return len(call.calls)

    with ThreadPoolExecutor(100) as pool:
        counts = list(pool.map(operation, range(100)))

    assert counts == [4] * 100


def test_a_hundred_tasks_share_one_policy():
    """The same for tasks, in all three async forms."""
    policy = Retry(backoff=AT_ONCE, listeners=())

    async def by_call(call):
        await policy.call_async(call.call_async)

    async def by_decorator(call):
        await policy(call.call_async)()

    async def by_loop(call):
        async for attempt in policy:
            async with attempt:
                await call.call_async()

    async def operation(form):
        call = FlakyCall(RetryableError("down"))
        with pytest.raises(RetryableError):
            await form(call)
        return len(call.calls)

    async def main():
        forms = (by_call, by_decorator, by_loop)
        return await asyncio.gather(*(operation(forms[number % 3]) for number in range(99)))

    assert asyncio.run(main()) == [4] * 99


# --- cancellation


async def in_a_loop(policy, call):
    """Retry in the loop form."""
    async for attempt in policy:
        async with attempt:
            await call()


FORMS = {
    "call": lambda policy, call: policy.call_async(call),
    "decorator": lambda policy, call: policy(call)(),
    "loop": in_a_loop,
    "pipeline": lambda policy, call: Pipeline(
        fallback=str, retry=policy, breaker=CircuitBreaker(99, listeners=()), timeout=60
    ).call_async(call),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("deadline", [None, 3600])
def test_cancellation_ends_a_task_at_every_await(form, deadline):
    """Wherever the task waits, in an attempt or between two, it ends cancelled and no attempt follows."""

    async def main(waits):
        attempts = []

        async def call():
            attempts.append(1)
            await asyncio.sleep(0)
            raise RetryableError("down")

        policy = Retry(
            clock=FakeClock(), backoff=FixedDelay(1), max_retries=5, listeners=(), deadline=deadline
        )
        task = asyncio.ensure_future(FORMS[form](policy, call))
        for _ in range(waits):
            await asyncio.sleep(0)
        was_over = task.done()
        task.cancel()
        made = len(attempts)
        await asyncio.wait([task])
        return was_over or (task.cancelled() and len(attempts) == made), was_over

    outcomes = [asyncio.run(main(waits)) for waits in range(1, 30)]

    assert all(ended for ended, _ in outcomes)
    assert (outcomes[0][1], outcomes[-1][1]) == (False, True)


def test_cancellation_inside_an_except_of_the_code_is_not_retried():
    """A CancelledError is no failure, even where everything is retriable."""

    async def main():
        calls = []

        async def call():
            calls.append(1)
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await Retry(retriable_exceptions=(BaseException,), backoff=AT_ONCE).call_async(call)
        return len(calls)

    assert asyncio.run(main()) == 1


def test_nonsense_settings_are_refused():
    """With the value in the message."""
    for settings, value in (
        ({"max_retries": -1}, "-1"),
        ({"deadline": -2}, "-2"),
        ({"deadline": 0}, "0"),
        ({"timeout": 0}, "0"),
        ({"max_retry_after": -1}, "-1"),
    ):
        with pytest.raises(ValueError, match=value):
            Retry(**settings)


def test_giving_up_tells_why():
    """The reason is in the event: not retriable, used up, a write."""
    log = EventLog()
    for policy, error in (
        (Retry(listeners=(log,), max_retries=1, backoff=AT_ONCE), RetryableError()),
        (Retry(listeners=(log,)), TypeError()),
        (Retry(listeners=(log,), write=True), RetryableError()),
    ):
        with pytest.raises(type(error)):
            policy.call(FlakyCall(error))

    assert [event.reason for event in log.of(GaveUp)] == [
        "all 1 retries are used up",
        "TypeError is not retriable",
        "a write is tried again only if it is declared idempotent or has a key",
    ]


@pytest.mark.parametrize("notes", [5, None])
def test_notes_that_are_none_do_not_replace_the_error(notes):
    """Whatever foreign code has put in their place, the last error surfaces, with our note."""
    error = RetryableError("down")
    error.__notes__ = notes
    with pytest.raises(RetryableError, match="down") as raised:
        Retry(max_retries=1, backoff=AT_ONCE).call(FlakyCall(error))

    assert len(raised.value.__notes__) == 1


def test_a_wait_that_no_float_holds_is_not_waited_for():
    """A `Retry-After` of 400 digits, as a number, is longer than anybody waits: the error itself surfaces."""
    call = FlakyCall(RetryableError("busy", retry_after=10**400))
    with pytest.raises(RetryableError, match="busy"):
        Retry(backoff=AT_ONCE, clock=FakeClock()).call(call)

    assert len(call.calls) == 1
