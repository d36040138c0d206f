"""The thin drivers of the breaker: ask, call, report; every decision is made by `Circuit`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing
from types import CoroutineType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from pytest_resilience.runtime.breaker_states import Outcome, Period
from pytest_resilience.runtime.callables import is_async
from pytest_resilience.runtime.circuit import Circuit

P = ParamSpec("P")
T = TypeVar("T")


class BreakerCall:
    """One call through a breaker, as a with-statement."""

    __slots__ = ("_circuit", "_period", "_started")

    def __init__(self, circuit: Circuit, period: Period | None = None) -> None:
        self._circuit = circuit
        self._period = period
        self._started = 0.0

    def __enter__(self) -> Self:
        self._started = self._circuit.clock.monotonic()
        self._period = self._circuit.admit(self, self._started)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        circuit, period = self._circuit, self._period
        if period is None:
            return
        outcome = Outcome.SUCCESS if error is None else circuit.outcome_of(error)
        seconds = circuit.clock.monotonic() - self._started
        circuit.settle(period, self, outcome, seconds=seconds, error=error)

    def leave(self) -> None:
        """End it as if it had not been made."""
        if self._period is not None:
            self._circuit.settle(self._period, self, Outcome.IGNORED)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def bind(circuit: Circuit, func: Callable[P, T]) -> Callable[P, T]:
    """Return a function that calls another through a circuit; while all is well it takes no lock."""

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        period = circuit.period
        if not period.quiet:
            if period.until:
                circuit.refuse_until(period.until)
            return _call_watched(circuit, func, args, kwargs)
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            circuit.settle(period, None, circuit.outcome_of(error), error=error)
            raise
        if type(result) is CoroutineType:
            return cast("T", _await(BreakerCall(circuit, period), result))
        if period.failures:
            circuit.settle(period, None, Outcome.SUCCESS)
        return result

    return call


def bind_async(circuit: Circuit, func: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return an async function that calls another through a circuit."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        period = circuit.period
        if not period.quiet:
            if period.until:
                circuit.refuse_until(period.until)
            with BreakerCall(circuit):
                return await func(*args, **kwargs)
        try:
            result = await func(*args, **kwargs)
        except BaseException as error:
            circuit.settle(period, None, circuit.outcome_of(error), error=error)
            raise
        if period.failures:
            circuit.settle(period, None, Outcome.SUCCESS)
        return result

    return call


def _call_watched(circuit: Circuit, func: Callable[..., T], args: Any, kwargs: Any) -> T:
    """Call through a circuit that must know of each call: it is not closed, or it measures."""
    if is_async(func):
        return cast("T", bind_async(circuit, cast("Any", func))(*args, **kwargs))
    entered = BreakerCall(circuit).__enter__()
    try:
        result = func(*args, **kwargs)
    except BaseException as error:
        entered.__exit__(type(error), error, error.__traceback__)
        raise
    if type(result) is CoroutineType:
        entered.leave()
        return cast("T", _await_watched(circuit, result))
    entered.__exit__(None, None, None)
    return result


async def _await_watched(circuit: Circuit, coroutine: Any) -> Any:
    """Await it as a call of its own, which begins here: one that is never awaited would keep its place."""
    with closing(coroutine), BreakerCall(circuit):
        return await coroutine


async def _await(entered: BreakerCall, coroutine: Any) -> Any:
    """Await what a call returned, which is when its outcome is known."""
    try:
        result = await coroutine
    except BaseException as error:
        entered.__exit__(type(error), error, error.__traceback__)
        raise
    entered.__exit__(None, None, None)
    return result
