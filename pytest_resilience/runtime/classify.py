"""The classifier: which of our error classes a foreign exception belongs to, by tables of data.

    classify(error)            the verdict: kind, condition, advice, severity
    translate(error, "load")   one of our own exceptions that says the same, to be raised `from` it
    Classifier(my_rule)        a classifier that asks a function of yours first

No library is imported: exceptions are known by the names of their classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import ResilienceError, RetryableError, Severity
from pytest_resilience.runtime.foreign import http, mlflow, postgres, redis, system
from pytest_resilience.runtime.foreign.verdict import Verdict, fatal, look_up
from pytest_resilience.runtime.retry_after import retry_after_of

Rule: TypeAlias = Callable[[BaseException], Verdict | None]
"""Returns the verdict on an exception, or `None` if it does not know it."""

WRAPPERS: dict[str, str] = {
    "sqlalchemy.exc.DBAPIError": "orig",
    "urllib.error.URLError": "reason",
    "urllib3.exceptions.MaxRetryError": "reason",
    "aiohttp.client_exceptions.ClientConnectorError": "os_error",
}
"""Exceptions that only carry the real one, and the attribute where it is."""

BUILTINS: dict[str, Verdict] = {
    "sqlalchemy.exc.TimeoutError": Verdict(
        RetryableError, "the connection pool is exhausted", "Try again later, or enlarge the pool."
    ),
    "builtins.TypeError": fatal("a programming error", "Correct the code."),
    "builtins.AttributeError": fatal("a programming error", "Correct the code."),
    "builtins.NameError": fatal("a programming error", "Correct the code."),
    "builtins.AssertionError": fatal("a programming error", "Correct the code."),
    "builtins.ImportError": fatal("a module is missing", "Install it."),
    "builtins.ValueError": fatal("the data are not valid", "Correct the data."),
    "builtins.LookupError": fatal("something expected is not there", "Correct the data or the code."),
}
"""What else is known by class."""

_MAX_WRAPPERS = 8


def _ours(error: BaseException) -> Verdict | None:
    if not isinstance(error, ResilienceError):
        return None
    return Verdict(type(error), f"a {type(error).__name__}", "See its message.", error.severity)


def _builtin(error: BaseException) -> Verdict | None:
    return look_up(BUILTINS, error)


RULES: tuple[Rule, ...] = (
    _ours,
    postgres.judge,
    http.judge,
    mlflow.judge,
    redis.judge,
    system.judge,
    _builtin,
)
"""Asked one after the other; the first that knows the exception decides."""


class Classifier:
    """A classifier of exceptions.

    Args:
        rules: functions of yours, asked before the tables.
        clock: the wall clock, for a `Retry-After` that is a date.
    """

    def __init__(self, *rules: Rule, clock: Clock = SYSTEM_CLOCK) -> None:
        self.rules = (*rules, *RULES)
        self._clock = clock

    def __call__(self, error: BaseException) -> Verdict:
        """Return the verdict on an exception; what nobody knows is fatal, since to repeat it may do harm."""
        if isinstance(error, BaseExceptionGroup):
            return self._worst(error)
        for candidate in _unwrapped(error):
            for rule in self.rules:
                verdict = rule(candidate)
                if verdict is not None:
                    asked = retry_after_of(candidate, self._clock)
                    return verdict if asked is None else replace(verdict, retry_after=asked)
        return fatal(
            f"an unknown {type(error).__name__}", "See its message; teach the classifier what it means."
        )

    def _worst(self, group: BaseExceptionGroup[Any]) -> Verdict:
        """Return the verdict on a group: it may be tried again only if all of its members may."""
        verdicts = [self(error) for error in group.exceptions]
        return next((one for one in verdicts if not issubclass(one.kind, RetryableError)), verdicts[0])


def _unwrapped(error: BaseException) -> list[BaseException]:
    """Return an exception, and before it those that it only carries, the innermost first."""
    found = [error]
    for _ in range(_MAX_WRAPPERS):
        attribute = look_up(WRAPPERS, found[0])
        inner = getattr(found[0], attribute, None) if attribute else None
        if not isinstance(inner, BaseException) or inner in found:
            break
        found.insert(0, inner)
    return found


classify = Classifier()
"""The classifier that everything uses which is not given another."""


def severity_of(error: BaseException, *, classifier: Classifier = classify) -> Severity:
    """Return how bad an exception is (policy §1)."""
    verdict = classifier(error)
    return verdict.severity or verdict.kind.severity


def translate(error: BaseException, operation: str, *, classifier: Classifier = classify) -> ResilienceError:
    """Return one of our exceptions that says what a foreign one means, to be raised `from` it.

    Its message carries no data of the foreign one, which may quote rows, URLs or passwords.

    Args:
        error: the foreign exception; one of ours is returned as it is.
        operation: what failed, and where, in a few words.
        classifier: decides.
    """
    if isinstance(error, ResilienceError):
        return error
    verdict = classifier(error)
    message = f"{operation} failed: {verdict.condition} ({type(error).__name__}). {verdict.advice}"
    if issubclass(verdict.kind, RetryableError):
        return verdict.kind(message, retry_after=verdict.retry_after)
    return verdict.kind(message)


@contextmanager
def translated_errors(operation: str, *, classifier: Classifier = classify) -> Iterator[None]:
    """Raise, from what the block raises, the exception of ours that it means.

    Args:
        operation: what the block does, and where, in a few words.
        classifier: decides.
    """
    try:
        yield
    except Exception as error:
        translation = translate(error, operation, classifier=classifier)
        if translation is error:
            raise
        raise translation from error
