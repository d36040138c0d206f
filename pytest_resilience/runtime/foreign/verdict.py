"""A verdict on an exception, and the look-up of classes by name, so that no library is imported to know its errors."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, cast

from pytest_resilience.errors import FatalError, ResilienceError, RetryableError, Severity

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which of our classes an exception belongs to.

    Args:
        kind: the class.
        condition: what happened, in words without any data.
        advice: what to do now.
        severity: where it differs from the class's own.
        retry_after: seconds that the other side asks to wait.
    """

    kind: type[ResilienceError]
    condition: str
    advice: str
    severity: Severity | None = None
    retry_after: float | None = None


def retryable(condition: str, advice: str = "Try again later.", severity: Severity | None = None) -> Verdict:
    """Return the verdict that it may succeed when tried again."""
    return Verdict(RetryableError, condition, advice, severity)


def fatal(condition: str, advice: str = "Trying again will not help: mend the cause.") -> Verdict:
    """Return the verdict that it will not succeed when tried again."""
    return Verdict(FatalError, condition, advice)


@lru_cache(maxsize=512)
def lineage(kind: Hashable) -> tuple[str, ...]:
    """Return the full names of a class and its bases, in method resolution order."""
    return tuple(f"{base.__module__}.{base.__qualname__}" for base in cast("type", kind).__mro__)


def look_up(table: Mapping[str, V], error: BaseException) -> V | None:
    """Return what a table says of an exception's class, or of the nearest base that it names."""
    return next((table[name] for name in lineage(cast("Hashable", type(error))) if name in table), None)
