"""Retry: call again what may succeed when it is tried again, by the policy's two functions or a decorator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, ParamSpec, TypedDict, TypeVar, Unpack, overload

from pytest_resilience.clock import Clock
from pytest_resilience.errors import RetryableError
from pytest_resilience.events import Listener
from pytest_resilience.runtime.arguments import exception_classes
from pytest_resilience.runtime.backoff import Draw, ExponentialBackoff, FixedDelay, Jitter
from pytest_resilience.runtime.budget import RetryBudget
from pytest_resilience.runtime.callables import require_function
from pytest_resilience.runtime.classify import Classifier
from pytest_resilience.runtime.retry_policy import Retry

P = ParamSpec("P")
T = TypeVar("T")


class RetrySettings(TypedDict, total=False):
    """Keywords that the policy's two functions take beyond the policy: see `Retry`."""

    operation: str | None
    classifier: Classifier | None
    deadline: float | None
    timeout: float | None
    dependency: str | None
    budget: RetryBudget | None
    write: bool
    idempotent: bool
    key: str | Callable[[], str] | None
    max_retry_after: float
    retry_exhausted: bool
    listeners: tuple[Listener, ...] | None
    clock: Clock
    random: Draw | None


def retry_with_exponential_backoff(
    func: Callable[[], T],
    max_retries: int = 3,
    base_delay: float = 2.0,
    max_delay: float = 60.0,
    jitter: Jitter = True,  # noqa: FBT002 - the policy's signature
    retriable_exceptions: tuple[type[BaseException], ...] = (RetryableError,),
    **settings: Unpack[RetrySettings],
) -> T:
    """Call `func`, and again after growing delays while it fails with a retriable error (policy §3).

    Args:
        func: called without arguments. If it is async, await what this returns.
        max_retries: how many more attempts follow the first.
        base_delay: seconds before the first retry; each later delay is twice as long.
        max_delay: no delay is longer, in seconds.
        jitter: multiply each delay by a draw from [0.5, 1.5), still never above `max_delay`; or the name of another
            jitter, see `ExponentialBackoff`.
        retriable_exceptions: what is tried again; anything else is raised at once.
        settings: further keywords of `Retry`.

    Returns:
        What `func` returns.

    Raises:
        Exception: what the last attempt raised, when all are used up; it is logged.
    """
    require_function(func)
    if type(retriable_exceptions) is not tuple:
        retriable_exceptions = exception_classes("retriable_exceptions", retriable_exceptions)
    policy = _exponential(max_retries, base_delay, max_delay, jitter, retriable_exceptions)
    return (replace(policy, **settings) if settings else policy).call(func)


def retry_with_fixed_delay(
    func: Callable[[], T],
    max_retries: int = 3,
    delay: float = 5.0,
    **settings: Unpack[RetrySettings],
) -> T:
    """Call `func`, and again after equal delays while it fails with a `RetryableError` (policy §3).

    For predictable waits, such as a PostgreSQL advisory lock.

    Args:
        func: called without arguments. If it is async, await what this returns.
        max_retries: how many more attempts follow the first.
        delay: seconds before each of them.
        settings: further keywords of `Retry`.

    Returns:
        What `func` returns.

    Raises:
        Exception: what the last attempt raised, when all are used up; it is logged.
    """
    require_function(func)
    policy = _fixed(max_retries, delay)
    return (replace(policy, **settings) if settings else policy).call(func)


@lru_cache(maxsize=256, typed=True)
def _exponential(
    max_retries: int,
    base_delay: float,
    max_delay: float,
    jitter: Jitter,
    retriable_exceptions: tuple[type[BaseException], ...],
) -> Retry:
    """Return the policy that these numbers mean; the same call sites come again and again."""
    backoff = ExponentialBackoff(base_delay, max_delay, jitter)
    return Retry(
        max_retries=max_retries, backoff=backoff, retriable_exceptions=retriable_exceptions, classifier=None
    )


@lru_cache(maxsize=256, typed=True)
def _fixed(max_retries: int, delay: float) -> Retry:
    return Retry(max_retries=max_retries, backoff=FixedDelay(delay), classifier=None)


@overload
def retry(func: Callable[P, T], /) -> Callable[P, T]: ...


@overload
def retry(**settings: Any) -> Retry: ...


def retry(func: Callable[P, T] | None = None, /, **settings: Any) -> Callable[P, T] | Retry:
    """Decorate a function with a retry policy: `@retry`, or `@retry(max_retries=5)` with the settings of `Retry`."""
    policy = Retry(**settings)
    return policy if func is None else policy(func)
