"""The thin drivers of the retry: call, wait, call again; every decision is made by `Attempts`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from pytest_resilience.runtime.attempts import Attempts
from pytest_resilience.runtime.deadline import CURRENT, Deadline
from pytest_resilience.runtime.exhaustion import LATEST
from pytest_resilience.runtime.idempotency import keyed

if TYPE_CHECKING:
    from pytest_resilience.runtime.retry_policy import Retry

P = ParamSpec("P")
T = TypeVar("T")


def drive(attempts: Attempts, func: Callable[..., T], args: Any, kwargs: Any) -> T:
    """Call a function until it succeeds or `attempts` says that it is enough."""
    while True:
        attempts.wait()
        limit = attempts.limit()
        try:
            result = func(*args, **kwargs) if limit is None else limit.call(func, *args, **kwargs)
        except Exception as error:
            if not attempts.failed(error):
                raise
        else:
            attempts.succeeded()
            return result


async def drive_async(attempts: Attempts, func: Callable[..., Awaitable[T]], args: Any, kwargs: Any) -> T:
    """Call and await an async function until it succeeds or `attempts` says that it is enough."""
    while True:
        await attempts.wait_async()
        limit = attempts.limit()
        try:
            result = await (
                func(*args, **kwargs) if limit is None else limit.call_async(func, *args, **kwargs)
            )
        except Exception as error:
            if not attempts.failed(error):
                raise
        else:
            attempts.succeeded()
            return result


def bind(policy: Retry, func: Callable[P, T], name: str) -> Callable[P, T]:
    """Return a function that calls another under a policy; one that succeeds at once costs next to nothing."""
    counted = policy.counted
    terms = policy.first_terms(name)
    around = CURRENT.get

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if counted or around() is not None:
            return _call_counted(policy, func, args, kwargs, name)
        before = LATEST[0]
        limit = None if terms is None else terms.begin()
        try:
            result = func(*args, **kwargs) if limit is None else limit.run(func, args, kwargs)
        except Exception as error:
            attempts = Attempts(policy, name, before, started(limit))
            if not attempts.failed(error):
                raise
        else:
            if type(result) is CoroutineType:
                return cast("T", _await(policy, result, partial(func, *args, **kwargs), name))
            return result
        return drive(attempts, func, args, kwargs)

    return call


def bind_async(
    policy: Retry, func: Callable[P, Awaitable[T]], name: str
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return an async function that calls another under a policy."""
    counted = policy.counted
    terms = policy.first_terms(name)
    around = CURRENT.get

    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if counted or around() is not None:
            return await _call_counted_async(policy, func, args, kwargs, name)
        before = LATEST[0]
        limit = None if terms is None else terms.begin()
        try:
            return await (func(*args, **kwargs) if limit is None else limit.call_async(func, *args, **kwargs))
        except Exception as error:
            attempts = Attempts(policy, name, before, started(limit))
            if not attempts.failed(error):
                raise
        return await drive_async(attempts, func, args, kwargs)

    return call


def started(limit: Deadline | None) -> float:
    """Return when a deadline began."""
    return 0.0 if limit is None else limit.at - limit.terms.limit


def _call_counted(policy: Retry, func: Callable[..., T], args: Any, kwargs: Any, name: str) -> T:
    """Call a function under a policy, or inside a deadline, with something to do before the first attempt."""
    attempts = policy.begin(name)
    with keyed(attempts.key):
        result = drive(attempts, func, args, kwargs)
    if type(result) is CoroutineType:
        return cast("T", _await(policy, result, partial(func, *args, **kwargs), name))
    return result


async def _call_counted_async(
    policy: Retry, func: Callable[..., Awaitable[T]], args: Any, kwargs: Any, name: str
) -> T:
    attempts = policy.begin(name)
    with keyed(attempts.key):
        return await drive_async(attempts, func, args, kwargs)


def _await(policy: Retry, first: Any, make: Callable[[], Any], name: str) -> Any:
    """Return a coroutine that awaits one that exists already, and makes others for further attempts."""
    made = [first]
    return bind_async(policy, lambda: made.pop() if made else make(), name)()
