"""The pipeline: fallback, retry, breaker and timeout around one call, always in that order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import update_wrapper
from inspect import isawaitable
from types import CoroutineType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import AttemptTimeoutError
from pytest_resilience.events import Listener, ServedDegraded, tell
from pytest_resilience.runtime.arguments import exception_classes, seconds
from pytest_resilience.runtime.breaker import CircuitBreaker
from pytest_resilience.runtime.callables import is_async, name_of, require_function
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.runtime.listeners import standard_listeners
from pytest_resilience.runtime.retry_policy import Retry

P = ParamSpec("P")
T = TypeVar("T")

ORDER = ("fallback", "retry", "breaker", "timeout", "call")
"""From the outside in. A retry outside the breaker lets each attempt count; a timeout inside it lets slowness count."""


@dataclass(frozen=True, slots=True)
class Degraded(Generic[T]):
    """What a fallback answered in the place of the real thing.

    Args:
        value: the answer.
        error: why the real thing did not answer.
    """

    value: T
    error: Exception


class Pipeline:
    """Fallback, retry, breaker and timeout around a call: `Pipeline(...).call(func)`, `call_async`, or a decorator.

    Its parts are shared by all that it calls, threads and tasks. An open breaker is not retried.

    Args:
        fallback: called with the error when all else has failed; its answer is returned as `Degraded`. May be async
            where the call is.
        retry: what is tried again, how often, and the deadline of the whole.
        breaker: refuses calls while the dependency is down.
        timeout: seconds for each attempt.
        fallback_on: which errors the fallback answers.
        listeners: told when a fallback answers; default: the standard library's logging.
        clock: measures the timeout.
    """

    def __init__(
        self,
        *,
        fallback: Callable[[Exception], Any] | None = None,
        retry: Retry | None = None,
        breaker: CircuitBreaker | None = None,
        timeout: float | None = None,
        fallback_on: tuple[type[Exception], ...] = (Exception,),
        listeners: tuple[Listener, ...] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if fallback is not None and not callable(fallback):
            raise TypeError(f"fallback must be a function of the error, got {fallback!r}")
        for name, part, kind in (("retry", retry, Retry), ("breaker", breaker, CircuitBreaker)):
            if part is not None and not isinstance(part, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, got {part!r}")
        self.fallback = fallback
        self.retry = retry
        self.breaker = breaker
        self.timeout = None if timeout is None else seconds("timeout", timeout)
        self._fallback_on = _errors(fallback_on)
        self._listeners = listeners
        self._clock = clock

    def __str__(self) -> str:
        parts = {
            "fallback": self.fallback and f"fallback({name_of(self.fallback)})",
            "retry": self.retry and f"retry(max_retries={self.retry.max_retries})",
            "breaker": self.breaker and f"breaker({self.breaker.name or 'unnamed'})",
            "timeout": self.timeout is not None and f"timeout({self.timeout:g} s)",
            "call": "call",
        }
        return " > ".join(str(parts[name]) for name in ORDER if parts[name])

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Degraded[Any]:
        """Call a function through all parts; return what it returns, or the fallback's `Degraded` answer."""
        return cast("T | Degraded[Any]", self._bind(func)(*args, **kwargs))

    async def call_async(
        self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T | Degraded[Any]:
        """Call and await an async function through all parts."""
        return cast("T | Degraded[Any]", await self._bind_async(func)(*args, **kwargs))

    def __call__(self, func: Callable[P, T]) -> Callable[P, T | Degraded[Any]]:
        """Decorate a function, sync or async."""
        require_function(func)
        bound = self._bind_async(cast("Any", func)) if is_async(func) else self._bind(func)
        return update_wrapper(bound, func)

    def _bind(self, func: Callable[..., Any]) -> Callable[..., Any]:
        name = name_of(func)
        bound = func
        if self.timeout is not None:
            bound = self._timed(bound, name)
        if self.breaker is not None:
            bound = self.breaker.bind(bound)
        if self.retry is not None:
            bound = self.retry.bind(bound, name)
        return bound if self.fallback is None else self._backed(bound, name)

    def _bind_async(self, func: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        name = name_of(func)
        bound = func
        if self.timeout is not None:
            bound = self._timed_async(bound, name)
        if self.breaker is not None:
            bound = self.breaker.bind_async(bound)
        if self.retry is not None:
            bound = self.retry.bind_async(bound, name)
        return bound if self.fallback is None else self._backed_async(bound, name)

    def _timed(self, func: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = self._deadline(name).call(func, *args, **kwargs)
            if type(result) is CoroutineType:
                return self._deadline(name).call_async(lambda: result)
            return result

        return call

    def _timed_async(self, func: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._deadline(name).call_async(func, *args, **kwargs)

        return call

    def _backed(self, func: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                result = func(*args, **kwargs)
            except self._fallback_on as error:
                answer = self._answer(error, name)
                if type(answer) is CoroutineType:
                    answer.close()
                    raise TypeError(
                        f"the fallback of {name} is async, and the call is not: use call_async, or a function"
                    ) from error
                return Degraded(answer, error)
            if type(result) is CoroutineType:
                return self._backed_async(lambda: result, name)()
            return result

        return call

    def _backed_async(self, func: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return await func(*args, **kwargs)
            except self._fallback_on as error:
                answer = self._answer(error, name)
                return Degraded(await answer if isawaitable(answer) else answer, error)

        return call

    def _answer(self, error: Exception, name: str) -> Any:
        answer = cast("Callable[[Exception], Any]", self.fallback)(error)
        listeners = standard_listeners() if self._listeners is None else self._listeners
        tell(listeners, ServedDegraded(name, error))
        return answer

    def _deadline(self, name: str) -> Deadline:
        limit = cast("float", self.timeout)
        return Deadline(
            limit, operation=name, error=AttemptTimeoutError, listeners=self._listeners, clock=self._clock
        )


def _errors(classes: object) -> tuple[type[Exception], ...]:
    """Return exception classes, of which none is a cancellation or an exit signal."""
    for one in (checked := exception_classes("fallback_on", classes)):
        if not issubclass(one, Exception):
            raise TypeError(
                f"fallback_on must be errors, and {one.__name__} is no Exception but a signal to stop"
            )
    return cast("tuple[type[Exception], ...]", checked)
