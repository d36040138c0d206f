"""The iterator form of the retry: `for attempt in policy: with attempt: ...`, and the same with `async`."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType
from typing import Self

from pytest_resilience.errors import AttemptTimeoutError, DeadlineExceededError
from pytest_resilience.runtime.attempts import Attempts
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.runtime.given_back import give_back
from pytest_resilience.runtime.idempotency import KEY
from pytest_resilience.runtime.interruption import UNINTERRUPTED


class Attempt:
    """One attempt: a with-statement around code that may be tried again.

    In asynchronous code `async with attempt:` also cancels the code when its time is over.
    """

    __slots__ = ("_attempts", "_key", "_limit", "number", "outcome")

    def __init__(self, attempts: Attempts) -> None:
        self.number = attempts.number + 1
        """Which attempt this is, from 1."""
        self.outcome: bool | None = None
        """Whether it failed in a way that is tried again; `None` while it has not ended."""
        self._attempts = attempts
        self._limit: Deadline | None = None
        self._key: Token[str | None] | None = None

    def __enter__(self) -> Self:
        limit = self._begin()
        if limit is not None:
            limit.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if self._limit is not None:
                self._limit.__exit__(kind, error, trace)
        except (DeadlineExceededError, AttemptTimeoutError) as late:
            if not self._ended(late):
                raise
            return True
        return self._ended(error)

    async def __aenter__(self) -> Self:
        limit = self._begin()
        if limit is not None:
            await limit.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if self._limit is not None:
                await self._limit.__aexit__(kind, error, trace)
        except (DeadlineExceededError, AttemptTimeoutError) as late:
            if not self._ended(late):
                raise
            return True
        return self._ended(error)

    def _begin(self) -> Deadline | None:
        if self._attempts.key is not None:
            self._key = KEY.set(self._attempts.key)
        self._limit = self._attempts.limit()
        return self._limit

    def _ended(self, error: BaseException | None) -> bool:
        """Take note of how the attempt ended; return whether another one follows, which swallows the error."""
        if self._key is not None:
            give_back(KEY, self._key)
        self.outcome = isinstance(error, Exception) and self._attempts.failed(error)
        if error is None:
            self._attempts.succeeded()
        return self.outcome


UNINTERRUPTED.update({Attempt.__enter__.__code__, Attempt.__exit__.__code__})


class AttemptLoop:
    """The attempts of one operation, one after the other; ends after the first that is not tried again."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._attempt: Attempt | None = None

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> Attempt:
        if not self._goes_on():
            raise StopIteration
        self._attempts.wait()
        return self._next()

    async def __anext__(self) -> Attempt:
        if not self._goes_on():
            raise StopAsyncIteration
        await self._attempts.wait_async()
        return self._next()

    def _goes_on(self) -> bool:
        if self._attempt is None:
            return True
        if self._attempt.outcome is None:
            raise RuntimeError(
                f"attempt {self._attempt.number} was not used: write `with attempt:` around the code to retry"
            )
        return self._attempt.outcome

    def _next(self) -> Attempt:
        self._attempt = Attempt(self._attempts)
        return self._attempt
