"""The circuit breaker: stop calling what fails, and let a few trial calls find out when it is back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from functools import update_wrapper
from typing import Any, ParamSpec, TypeVar, cast

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.events import Listener
from pytest_resilience.runtime.arguments import seconds
from pytest_resilience.runtime.breaker_calls import BreakerCall, bind, bind_async
from pytest_resilience.runtime.breaker_states import BreakerSettings, CircuitState
from pytest_resilience.runtime.callables import is_async, name_of, require_function
from pytest_resilience.runtime.circuit import Circuit

__all__ = ["CircuitBreaker", "CircuitState"]

P = ParamSpec("P")
T = TypeVar("T")

_SHORTEST_LEASE = 10.0


class CircuitBreaker:
    """A circuit breaker, shared by any number of threads and tasks (policy §3).

    Use it as `breaker.call(func)`, `await breaker.call_async(func)`, `@breaker`, or `with breaker.calling():`.
    No lock is held while your code runs, and none is taken by a call that succeeds while all is well.

    Args:
        failure_threshold: failures in a row that open it.
        timeout: seconds after the last failure until a trial call is let through.
        expected_exception: only these count as failures; others neither as failure nor as success. Cancellation
            and exit signals never count.
        ignored_exception: of those, the ones that do not count after all.
        half_open_max_calls: trial calls at a time when half-open.
        success_threshold: trial calls that must succeed to close it.
        trial_lease: seconds after which a trial call that has not ended frees its place; default: `timeout`, at
            least 10.
        failure_rate: open also when this part of the calls in the window failed, from 0 to 1.
        slow_call: seconds that make a call slow; a slow trial call counts as a failure.
        slow_rate: open also when this part of the calls in the window was slow, from 0 to 1.
        window: seconds that the two rates look back.
        minimum_calls: calls that the window must hold before the rates count.
        name: of what is called, for messages and events; default: the decorated function's.
        listeners: told of each event; default: the standard library's logging.
        clock: where time comes from; its monotonic one, so that a stepping wall clock changes nothing.
    """

    def __init__(  # noqa: PLR0913 - three are the policy's, the others are keywords with defaults
        self,
        failure_threshold: int = 5,
        timeout: float = 60,
        expected_exception: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        *,
        ignored_exception: type[BaseException] | tuple[type[BaseException], ...] = (),
        half_open_max_calls: int = 1,
        success_threshold: int = 1,
        trial_lease: float | None = None,
        failure_rate: float | None = None,
        slow_call: float | None = None,
        slow_rate: float | None = None,
        window: float = 60.0,
        minimum_calls: int = 10,
        name: str | None = None,
        listeners: tuple[Listener, ...] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        settings = BreakerSettings(
            failure_threshold=failure_threshold,
            timeout=seconds("timeout", timeout),
            expected_exception=cast("tuple[type[BaseException], ...]", expected_exception),
            ignored_exception=cast("tuple[type[BaseException], ...]", ignored_exception),
            half_open_max_calls=half_open_max_calls,
            success_threshold=success_threshold,
            trial_lease=max(timeout, _SHORTEST_LEASE) if trial_lease is None else trial_lease,
            failure_rate=failure_rate,
            slow_call=slow_call,
            slow_rate=slow_rate,
            window=window,
            minimum_calls=minimum_calls,
        )
        self._circuit = Circuit(settings, name, listeners, clock)

    @property
    def name(self) -> str | None:
        """What is called."""
        return self._circuit.name

    @property
    def state(self) -> CircuitState:
        """The state now; an open breaker stays open until a trial call is made."""
        return self._circuit.period.state

    @property
    def failure_count(self) -> int:
        """Failures in a row so far, or those that opened it."""
        return self._circuit.period.failures

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function through the breaker; return what it returns.

        A coroutine that it returns is one too, and counts when it has been awaited.

        Raises:
            CircuitBreakerOpenError: the breaker is open; the function was not called.
        """
        return self.bind(func)(*args, **kwargs)

    async def call_async(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call and await an async function through the breaker; return what it returns."""
        return await self.bind_async(func)(*args, **kwargs)

    def calling(self) -> BreakerCall:
        """Return a with-statement around code that counts as a call; `async with` works as well."""
        return BreakerCall(self._circuit)

    def __call__(self, func: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function, sync or async."""
        require_function(func)
        self._circuit.name = self._circuit.name or name_of(func)
        bound: Any = self.bind_async(cast("Any", func)) if is_async(func) else self.bind(func)
        return cast("Callable[P, T]", update_wrapper(bound, func))

    def bind(self, func: Callable[P, T]) -> Callable[P, T]:
        """Return a bare function that calls another through the breaker."""
        return bind(self._circuit, func)

    def bind_async(self, func: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """Return a bare async function that calls another through the breaker."""
        return bind_async(self._circuit, func)

    def reset(self) -> None:
        """Close the breaker and forget all failures."""
        self._circuit.reset()

    def describe(self) -> dict[str, Any]:
        """Return name, state and settings as plain data, for a health page or a log."""
        circuit = self._circuit
        period = circuit.period
        settings = asdict(circuit.settings)
        for name in ("expected_exception", "ignored_exception"):
            settings[name] = [kind.__name__ for kind in settings[name]]
        return {
            "name": circuit.name,
            "state": period.state.value,
            "failure_count": period.failures,
            "retry_after": max(0.0, period.until - circuit.clock.monotonic()),
            "settings": settings,
        }
