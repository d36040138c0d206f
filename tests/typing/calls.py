"""What type checkers see of retry, breaker, deadline and pipeline: `mypy --strict tests/typing`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from pytest_resilience import (
    CircuitBreaker,
    Deadline,
    Degraded,
    Pipeline,
    Retry,
    classify,
    remaining_time,
    retry,
    retry_with_exponential_backoff,
    retry_with_fixed_delay,
)
from pytest_resilience.runtime.foreign.verdict import Verdict

BREAKER = CircuitBreaker(3, 10, (ConnectionError, TimeoutError), name="labs")


def load(table: str) -> int:
    """Stand for a function."""
    return len(table)


async def load_async(table: str) -> int:
    """Stand for an async function."""
    return len(table)


async def rows() -> list[str]:
    """Stand for an async function without arguments."""
    return []


async def decorators_keep_signatures() -> None:
    """Sync and async alike, with and without settings."""
    assert_type(retry(load)("stays"), int)
    assert_type(retry(max_retries=2)(load)("stays"), int)
    assert_type(BREAKER(load)("stays"), int)
    await assert_type(retry(load_async)("stays"), Coroutine[Any, Any, int])
    typed: Callable[[str], int] = retry(BREAKER(load))
    typed("stays")


async def calls_return_what_functions_return() -> None:
    """Function forms, sync and async."""
    assert_type(retry_with_exponential_backoff(lambda: 3, jitter="full", deadline=3.0), int)
    assert_type(await retry_with_exponential_backoff(rows), list[str])
    assert_type(retry_with_fixed_delay(lambda: "row", 2, 0.5), str)
    assert_type(Retry().call(load, "stays"), int)
    assert_type(await Retry().call_async(load_async, "stays"), int)
    assert_type(BREAKER.call(load, "stays"), int)
    assert_type(await BREAKER.call_async(load_async, "stays"), int)
    assert_type(Deadline(3).call(load, "stays"), int)
    assert_type(await Deadline(3).call_async(load_async, "stays"), int)
    assert_type(Pipeline(breaker=BREAKER).call(load, "stays"), int | Degraded[Any])
    assert_type(classify(ValueError()), Verdict)
    assert_type(remaining_time(), float | None)


async def loops_have_attempts() -> None:
    """Sync and async."""
    for attempt in Retry():
        with attempt:
            assert_type(attempt.number, int)
    async for other in Retry():
        async with other, BREAKER.calling():
            assert_type(other.number, int)
