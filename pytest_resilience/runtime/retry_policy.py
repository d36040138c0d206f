"""The retry policy: one object that says what is tried again, how often and after which delays."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any, ParamSpec, TypeVar, cast

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import AttemptTimeoutError, DeadlineExceededError, RetryableError
from pytest_resilience.events import Listener
from pytest_resilience.runtime.arguments import exception_classes, seconds, whole_number
from pytest_resilience.runtime.attempt_loop import AttemptLoop
from pytest_resilience.runtime.attempts import Attempts
from pytest_resilience.runtime.backoff import Backoff, Draw, ExponentialBackoff
from pytest_resilience.runtime.budget import RetryBudget, budget_for
from pytest_resilience.runtime.callables import is_async, name_of, require_function
from pytest_resilience.runtime.classify import Classifier, classify
from pytest_resilience.runtime.deadline import Terms, require_time
from pytest_resilience.runtime.drive import bind, bind_async
from pytest_resilience.runtime.exhaustion import LATEST

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A retry policy: immutable, usable as a decorator and as a loop, shared by any number of threads and tasks.

    Args:
        max_retries: how many more attempts follow the first.
        backoff: decides on the delays between them.
        retriable_exceptions: what is tried again; anything else is raised at once. Cancellation and exit signals
            are no `Exception`, and never tried again.
        classifier: tells which foreign exceptions count as which of ours; `None` for none.
        deadline: seconds for the whole operation, kept while an attempt runs.
        timeout: seconds for each attempt; an attempt that takes longer fails with `AttemptTimeoutError`.
        dependency: name of what is called; all retries against it share one budget.
        budget: a retry budget of one's own instead.
        write: the operation changes something; it is tried again only if it is idempotent or has a key.
        idempotent: doing it twice is the same as doing it once.
        key: idempotency key, or what makes one for each operation; the code finds it with `idempotency_key()`.
        max_retry_after: give up when the other side asks to wait longer than so many seconds.
        retry_exhausted: try again also what a retry inside has given up.
        operation: name for messages and events; default: the function's own.
        listeners: told of each event; default: the standard library's logging.
        clock: where time comes from.
        random: draws from [0, 1) for the jitter; default: `random.random`, looked up at each draw.
    """

    max_retries: int = 3
    backoff: Backoff = field(default_factory=ExponentialBackoff)
    retriable_exceptions: tuple[type[BaseException], ...] = (RetryableError,)
    classifier: Classifier | None = classify
    deadline: float | None = None
    timeout: float | None = None
    dependency: str | None = None
    budget: RetryBudget | None = None
    write: bool = False
    idempotent: bool = False
    key: str | Callable[[], str] | None = None
    max_retry_after: float = 300.0
    retry_exhausted: bool = False
    operation: str | None = None
    listeners: tuple[Listener, ...] | None = None
    clock: Clock = SYSTEM_CLOCK
    random: Draw | None = None
    timed: bool = field(init=False, repr=False)
    """Whether attempts have a limit."""
    counted: bool = field(init=False, repr=False)
    """Whether an operation has a budget or a key, and so something to do before its first attempt."""

    def __post_init__(self) -> None:
        whole_number("max_retries", self.max_retries, least=0)
        seconds("max_retry_after", self.max_retry_after, finite=False)
        for name in ("deadline", "timeout"):
            if getattr(self, name) is not None:
                seconds(name, getattr(self, name), zero=False)
        if self.dependency is not None and self.budget is not None:
            raise ValueError(f"give dependency {self.dependency!r} or a budget, not both")
        classes = exception_classes("retriable_exceptions", self.retriable_exceptions)
        object.__setattr__(self, "retriable_exceptions", classes)
        object.__setattr__(self, "timed", self.deadline is not None or self.timeout is not None)
        counted = self.dependency is not None or self.budget is not None or self.key is not None
        object.__setattr__(self, "counted", counted)

    @property
    def retry_budget(self) -> RetryBudget | None:
        """The budget that retries are taken from."""
        return budget_for(self.dependency) if self.dependency is not None else self.budget

    def is_retriable(self, error: BaseException) -> bool:
        """Return whether an exception is of a kind that is tried again."""
        if isinstance(error, self.retriable_exceptions):
            return True
        return self.classifier is not None and issubclass(
            self.classifier(error).kind, self.retriable_exceptions
        )

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function, and again where that helps; return what it returns.

        A function that returns a coroutine gets one back, whose attempts begin when it is awaited.
        """
        return self.bind(func)(*args, **kwargs)

    async def call_async(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call and await an async function, and again where that helps; return what it returns."""
        return await self.bind_async(func)(*args, **kwargs)

    def __call__(self, func: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function, sync or async."""
        require_function(func)
        bound: Any = self.bind_async(cast("Any", func)) if is_async(func) else self.bind(func)
        return cast("Callable[P, T]", update_wrapper(bound, func))

    def bind(self, func: Callable[P, T], name: str | None = None) -> Callable[P, T]:
        """Return a bare function that calls another under this policy, known by a name in messages and events."""
        return bind(self, func, name or self.operation or name_of(func))

    def bind_async(
        self, func: Callable[P, Awaitable[T]], name: str | None = None
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        """Return a bare async function that calls another under this policy."""
        return bind_async(self, func, name or self.operation or name_of(func))

    def __iter__(self) -> AttemptLoop:
        """Begin an operation: `for attempt in policy: with attempt: ...`."""
        return self._loop()

    def __aiter__(self) -> AttemptLoop:
        """Begin an operation: `async for attempt in policy: async with attempt: ...`."""
        return self._loop()

    def _loop(self) -> AttemptLoop:
        caller = sys._getframe(2)  # noqa: SLF001 - the only way to name a block
        name = f"{caller.f_globals.get('__name__')}.{caller.f_code.co_qualname}"
        return AttemptLoop(self.begin(self.operation or name))

    def begin(self, operation: str) -> Attempts:
        """Begin an operation; return its attempts, of which none is made yet.

        Raises:
            DeadlineExceededError: the deadline around the code has passed.
        """
        require_time()
        budget = self.retry_budget
        if budget is not None:
            budget.begin()
        return Attempts(self, operation, LATEST[0], self.clock.monotonic())

    def terms(self, operation: str, *, whole: bool) -> Terms:
        """Return the terms of the deadline of a whole operation, or of one attempt."""
        limit = self.deadline if whole else self.timeout
        error = DeadlineExceededError if whole else AttemptTimeoutError
        return Terms(limit or 0.0, operation, error, self.listeners, self.clock)

    def first_terms(self, operation: str) -> Terms | None:
        """Return the terms of the first attempt's time; `None` if it has no limit."""
        if not self.timed:
            return None
        whole = self.deadline is not None and (self.timeout is None or self.deadline <= self.timeout)
        return self.terms(operation, whole=whole)
