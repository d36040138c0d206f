"""Retry: call again what may succeed when it is tried again, in the forms that Python code takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import update_wrapper
from inspect import iscoroutinefunction
from types import CoroutineType
from typing import Any, ParamSpec, Protocol, TypedDict, TypeVar, Unpack

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import RetryableError
from pytest_resilience.events import Listener
from pytest_resilience.runtime.attempts import Attempts
from pytest_resilience.runtime.backoff import Draw, ExponentialBackoff, FixedDelay, Jitter
from pytest_resilience.runtime.exhaustion import LATEST

P = ParamSpec("P")
T = TypeVar("T")


class Backoff(Protocol):
    """What decides on the delays: one of this package's, or one's own."""

    def next_delay(self, retry: int, previous: float, draw: Draw) -> float:
        """Return the seconds before this retry (from 0), given the delay before it and random numbers."""


class RetrySettings(TypedDict, total=False):
    """Keywords that the policy's functions take beyond the policy."""

    operation: str | None
    retry_exhausted: bool
    listeners: tuple[Listener, ...] | None
    clock: Clock
    random: Draw | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A retry policy: immutable, shared by any number of threads and tasks.

    Args:
        max_retries: how many more attempts follow the first.
        backoff: decides on the delays between them.
        retriable_exceptions: what is tried again; anything else is raised at once.
        operation: name for messages and events; default: the function's own.
        retry_exhausted: try again also what a retry layer below has given up.
        listeners: told of each event; default: the standard library's logging.
        clock: where time comes from.
        random: draws from [0, 1) for the jitter; default: `random.random`, looked up at each draw.
    """

    max_retries: int = 3
    backoff: Backoff = field(default_factory=ExponentialBackoff)
    retriable_exceptions: tuple[type[BaseException], ...] = (RetryableError,)
    operation: str | None = None
    retry_exhausted: bool = False
    listeners: tuple[Listener, ...] | None = None
    clock: Clock = SYSTEM_CLOCK
    random: Draw | None = None

    def __post_init__(self) -> None:
        if isinstance(self.max_retries, bool) or not isinstance(self.max_retries, int):
            raise TypeError(f"max_retries must be a whole number, got {self.max_retries!r}")
        if self.max_retries < 0:
            raise ValueError(f"max_retries must be 0 or more, got {self.max_retries!r}")
        object.__setattr__(self, "retriable_exceptions", exception_classes(self.retriable_exceptions))

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function, and again where that helps; return what it returns.

        A function that returns a coroutine gets a coroutine back, whose attempts begin when it is awaited.
        """
        before = LATEST[0]
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            attempts = Attempts(self, self.operation or name_of(func), before)
            if not attempts.failed(error):
                raise
        else:
            if type(result) is CoroutineType:
                return self._await_first(result, func, args, kwargs)  # type: ignore[return-value, arg-type]
            return result
        return _drive(attempts, func, args, kwargs)

    async def call_async(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call and await an async function, and again where that helps; return what it returns."""
        before = LATEST[0]
        try:
            return await func(*args, **kwargs)
        except Exception as error:
            attempts = Attempts(self, self.operation or name_of(func), before)
            if not attempts.failed(error):
                raise
        return await _drive_async(attempts, func, args, kwargs)

    async def _await_first(self, first: Awaitable[T], func: Callable[..., Any], args: Any, kwargs: Any) -> T:
        """Await a coroutine that exists already, then make further ones as needed."""
        waiting = [first]

        def attempt() -> Awaitable[T]:
            return waiting.pop() if waiting else func(*args, **kwargs)

        update_wrapper(attempt, func)
        return await self.call_async(attempt)

    def __call__(self, func: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function, sync or async."""
        if iscoroutinefunction(func):

            async def wrapper_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await self.call_async(func, *args, **kwargs)

            return update_wrapper(wrapper_async, func)  # type: ignore[return-value]

        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            return self.call(func, *args, **kwargs)

        return update_wrapper(wrapper, func)


def _drive(attempts: Attempts, func: Callable[..., T], args: Any, kwargs: Any) -> T:
    while True:
        attempts.wait()
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            if not attempts.failed(error):
                raise
        else:
            attempts.succeeded()
            return result


async def _drive_async(attempts: Attempts, func: Callable[..., Awaitable[T]], args: Any, kwargs: Any) -> T:
    while True:
        await attempts.wait_async()
        try:
            result = await func(*args, **kwargs)
        except Exception as error:
            if not attempts.failed(error):
                raise
        else:
            attempts.succeeded()
            return result


def exception_classes(given: object) -> tuple[type[BaseException], ...]:
    """Return exception classes as a tuple, or refuse what is none."""
    classes = (
        given if isinstance(given, tuple) else tuple(given) if isinstance(given, (list, set)) else (given,)
    )
    for one in classes:
        if not (isinstance(one, type) and issubclass(one, BaseException)):
            raise TypeError(f"expected exception classes, got {one!r}")
    return classes


def name_of(func: Callable[..., Any]) -> str:
    """Return a function's name for messages: module and qualified name, never its arguments."""
    inner = getattr(func, "func", func)  # functools.partial
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    return f"{getattr(inner, '__module__', None) or '?'}.{name}"


def retry_with_exponential_backoff(  # noqa: PLR0913, PLR0917 - the policy's signature
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
        func: called without arguments.
        max_retries: how many more attempts follow the first.
        base_delay: seconds before the first retry; each later delay is twice as long.
        max_delay: no delay is longer, in seconds.
        jitter: multiply each delay by a draw from [0.5, 1.5), still never above `max_delay`.
        retriable_exceptions: what is tried again; anything else is raised at once.
        settings: further keywords of `Retry`.

    Returns:
        What `func` returns.

    Raises:
        Exception: what the last attempt raised, when all are used up; it is logged.
    """
    backoff = ExponentialBackoff(base_delay, max_delay, jitter)
    return _call(func, max_retries, backoff, retriable_exceptions, settings)


def retry_with_fixed_delay(
    func: Callable[[], T],
    max_retries: int = 3,
    delay: float = 5.0,
    **settings: Unpack[RetrySettings],
) -> T:
    """Call `func`, and again after equal delays while it fails with a `RetryableError` (policy §3).

    For predictable waits, such as a PostgreSQL advisory lock.

    Args:
        func: called without arguments.
        max_retries: how many more attempts follow the first.
        delay: seconds before each of them.
        settings: further keywords of `Retry`.

    Returns:
        What `func` returns.

    Raises:
        Exception: what the last attempt raised, when all are used up; it is logged.
    """
    return _call(func, max_retries, FixedDelay(delay), (RetryableError,), settings)


def _call(
    func: Callable[[], T],
    max_retries: int,
    backoff: Backoff,
    retriable_exceptions: tuple[type[BaseException], ...],
    settings: RetrySettings,
) -> T:
    if not callable(func):
        raise TypeError(f"func must be callable without arguments, got {func!r}")
    policy = Retry(
        max_retries=max_retries, backoff=backoff, retriable_exceptions=retriable_exceptions, **settings
    )
    return policy.call(func)
