"""Tell whether an error means that the database is gone, however many layers have wrapped it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.classify import classify

LOST = ("08", "57P01", "57P02", "57P03", "57P05")
"""SQLSTATEs, or their classes, of a connection that is gone (PostgreSQL documentation, appendix A)."""
DRIVERS = ("psycopg2", "psycopg", "asyncpg")
CLASSES = ("OperationalError", "InterfaceError", "ConnectionDoesNotExistError")
"""What drivers raise without an SQLSTATE when the line is dead, and when a server refuses who comes."""


def is_database_loss(error: BaseException) -> bool:
    """Tell whether this error, or one behind it, says that the connection to a database is gone."""
    return any(_says_so(one) for one in _chain(error))


def _says_so(error: BaseException) -> bool:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state is not None:
        return str(state).startswith(LOST)
    kinds = [kind for kind in type(error).__mro__ if kind.__module__.partition(".")[0] in DRIVERS]
    could_be = any(kind.__name__ in CLASSES for kind in kinds)
    return could_be and issubclass(classify(error).kind, RetryableError)  # a wrong password is no loss


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        behind = (
            one.__cause__,
            getattr(one, "orig", None),
            None if one.__suppress_context__ else one.__context__,
        )
        waiting += [other for other in behind if isinstance(other, BaseException)]
