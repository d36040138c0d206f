"""Deadlines: how long an operation may take in all, kept while it runs, and known to every layer inside it.

A deadline stands in a context variable, so that nested layers see the time that remains. Asynchronous code is
cancelled at its deadline, synchronous code is interrupted where that is possible (see `interruption`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from threading import get_ident
from types import SimpleNamespace, TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import AttemptTimeoutError, DeadlineExceededError
from pytest_resilience.events import AttemptAbandoned, Listener, tell
from pytest_resilience.runtime.arguments import seconds
from pytest_resilience.runtime.given_back import give_back
from pytest_resilience.runtime.interruption import (
    LATE,
    RUNS,
    UNINTERRUPTED,
    WATCHER,
    Interrupt,
    Run,
    enter,
    leave,
    take_interrupt,
)
from pytest_resilience.runtime.listeners import standard_listeners
from pytest_resilience.runtime.task_timer import TaskTimer

P = ParamSpec("P")
T = TypeVar("T")

_new = object.__new__
_STILL = SimpleNamespace(passes=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """What deadlines have in common: their length, and what they say when it is over. See `Deadline`."""

    limit: float
    operation: str
    error: type[DeadlineExceededError | AttemptTimeoutError]
    listeners: tuple[Listener, ...] | None
    clock: Clock
    time: Any = field(init=False)
    """What says whether the clock's time goes on by itself, so that code can be interrupted."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", self.clock if hasattr(self.clock, "passes") else _STILL)

    def begin(self) -> Deadline:
        """Return a deadline that begins now."""
        deadline = _new(Deadline)
        deadline.terms = self
        deadline.at = self.clock.monotonic() + self.limit
        return deadline

    def until(self, at: float) -> Deadline:
        """Return a deadline that ends at a moment of the clock."""
        deadline = _new(Deadline)
        deadline.terms = self
        deadline.at = at
        return deadline


class Deadline(Run):
    """A limit on the time of what runs inside it: `with Deadline(5):`, `async with Deadline(5):`, or `call`.

    Its time begins when it is made, and each is used once. Inside a nearer one it has nothing to do. As a
    with-statement it interrupts synchronous code in the main thread only, and not where an event loop runs, since
    that code may be another task's; `call` interrupts in every thread.

    Args:
        limit: seconds.
        operation: name for messages and events.
        error: what is raised when the time is over.
        listeners: told when code could not be interrupted; default: the standard library's logging.
        clock: where time comes from. Code is interrupted on the system's own clock only; on any other, lateness
            is found out when the code ends.

    Raises:
        DeadlineExceededError: the time is over. An error of the code's own is not replaced.
    """

    _token: Token[Deadline | None] | None = None
    _timer: TaskTimer | None = None

    def __init__(
        self,
        limit: float,
        *,
        operation: str = "operation",
        error: type[DeadlineExceededError | AttemptTimeoutError] = DeadlineExceededError,
        listeners: tuple[Listener, ...] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.terms = Terms(seconds("limit", limit), operation, error, listeners, clock)
        self.at = clock.monotonic() + limit

    def remaining(self) -> float:
        """Return the seconds that are left; negative when the time is over."""
        return self.at - self.terms.clock.monotonic()

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function within the time; return what it returns."""
        return func(*args, **kwargs) if self._is_idle() else self.run(func, args, kwargs)

    def run(self, func: Callable[..., T], args: Any, kwargs: Any) -> T:
        """Call a function within the time, where it is known that some is left and no deadline is around."""
        token = CURRENT.set(self)
        late, watched = False, self.terms.time.passes
        try:
            if (
                watched
            ):  # enter(), and below leave(), written out: to call them is a seventh of all that this costs
                self.thread = get_ident()
                RUNS[self] = None
                if self.at < WATCHER.wakes_at or not WATCHER.ready:
                    WATCHER.notice(self)
            try:
                result = func(*args, **kwargs)
            finally:
                if not watched:
                    late = self.remaining() <= 0
                elif RUNS.pop(self, LATE) is LATE:
                    late = take_interrupt(self)
        except Interrupt as interrupt:
            self.left = True
            if interrupt.run is not self:
                raise
            raise self.exceeded().with_traceback(interrupt.__traceback__) from None
        finally:
            CURRENT.reset(token)
        if late:
            raise self.exceeded()
        return result

    async def call_async(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call and await an async function within the time; return what it returns."""
        async with self:
            return await func(*args, **kwargs)

    def __enter__(self) -> Self:
        if not self._is_idle():
            self._token = CURRENT.set(self)
            self.enclosed = False
            if not _in_event_loop():
                self._watch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is None:
            return
        try:
            late = self._is_late()
        finally:  # an interrupt of a deadline around this one may come here
            self._end()
        if isinstance(error, Interrupt) and error.run is self:
            raise self.exceeded().with_traceback(trace) from None
        if late and error is None:
            raise self.exceeded()

    async def __aenter__(self) -> Self:
        if not self._is_idle():
            self._token = CURRENT.set(self)
            if self.terms.time.passes:
                self._timer = await TaskTimer(self.remaining(), self.abandoned).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is None:
            return
        late = error is None and self.remaining() <= 0
        self._end()
        if self._timer is not None:
            late = await self._timer.stop(kind, error, trace)
        if late:
            raise self.exceeded().with_traceback(trace) from None

    def exceeded(self) -> DeadlineExceededError | AttemptTimeoutError:
        """Return the error that says that the time is over."""
        terms = self.terms
        return terms.error(
            f"{terms.operation} did not end within its {terms.limit:.3g} s, and whether it took effect is unknown. "
            f"See what it waited for, or give it more time.",
            limit=terms.limit,
        )

    def abandoned(self, thread: str) -> None:
        """Tell that the code goes on although its time is over."""
        terms = self.terms
        listeners = standard_listeners() if terms.listeners is None else terms.listeners
        tell(listeners, AttemptAbandoned(terms.operation, terms.limit, thread))

    def _is_idle(self) -> bool:
        """Return whether a nearer deadline is around this one; refuse to begin when there is no time at all."""
        outer = CURRENT.get()
        nearest = outer if outer is not None and outer.remaining() < self.remaining() else self
        if nearest.remaining() <= 0:
            raise nearest.exceeded()
        return nearest is outer

    def _end(self) -> None:
        if self._token is not None and not give_back(CURRENT, self._token):
            self.at = math.inf  # the context that it began in may go on, and must not stay under it

    def _watch(self) -> None:
        if self.terms.time.passes:
            self.thread = get_ident()
            enter(self)

    def _is_late(self) -> bool:
        return leave(self) if self.thread else self.remaining() <= 0


CURRENT: ContextVar[Deadline | None] = ContextVar("resilience_deadline", default=None)
"""The nearest deadline around the running code."""

UNINTERRUPTED.update({Deadline.__enter__.__code__, Deadline.__exit__.__code__})


def remaining_time() -> float | None:
    """Return the seconds that are left to the running code, 0 or more; `None` if no deadline is around it."""
    deadline = CURRENT.get()
    return None if deadline is None or deadline.at == math.inf else max(0.0, deadline.remaining())


def require_time() -> None:
    """Refuse to begin anything when the deadline around the running code has passed."""
    deadline = CURRENT.get()
    if deadline is not None and deadline.remaining() <= 0:
        raise deadline.exceeded()


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - asyncio exports it
