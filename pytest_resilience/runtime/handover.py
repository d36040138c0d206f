"""Hand the time that remains on to what cannot see our deadlines: PostgreSQL, libpq, HTTP clients.

Each takes what to use where no deadline is around, and raises `DeadlineExceededError` where no time is left.
"""

from __future__ import annotations

from typing import Any

from pytest_resilience.runtime.arguments import seconds
from pytest_resilience.runtime.deadline import remaining_time, require_time


def time_to_hand_on(default: float | None = None) -> float | None:
    """Return the seconds that remain, at most `default`; `default` where no deadline is around."""
    if default is not None:
        seconds("default", default)
    require_time()
    remaining = remaining_time()
    if remaining is None or default is None:
        return default if remaining is None else remaining
    return min(remaining, default)


MOST = 2**31 - 1
"""What PostgreSQL and libpq take for a limit, in their own units."""


def statement_timeout(default: float | None = None) -> int:
    """Return a value for PostgreSQL's `statement_timeout`: whole milliseconds, 0 for no limit.

    Args:
        default: seconds where no deadline is around, and the most that is handed on.
    """
    remaining = time_to_hand_on(default)
    return 0 if remaining is None else min(max(1, int(remaining * 1000)), MOST)  # 0 would mean: no limit


def connect_timeout(default: float | None = None) -> int:
    """Return a value for libpq's `connect_timeout`: whole seconds, 0 for no limit.

    libpq knows no fractions, and many of its versions take 1 for 2: so the last seconds of a deadline are not
    handed on exactly.

    Args:
        default: seconds where no deadline is around, and the most that is handed on.
    """
    remaining = time_to_hand_on(default)
    return 0 if remaining is None else min(max(1, int(remaining)), MOST)


def libpq_limits(default: float | None = None) -> dict[str, Any]:
    """Return keywords for `psycopg2.connect` or `psycopg.connect` that limit connecting and each statement.

    Args:
        default: seconds where no deadline is around, and the most that is handed on.
    """
    return {
        "connect_timeout": connect_timeout(default),
        "options": f"-c statement_timeout={statement_timeout(default)}",
    }


def limit_statements(cursor: Any, default: float | None = None) -> None:
    """Limit the further statements of a transaction to the time that remains, by `SET LOCAL statement_timeout`.

    Args:
        cursor: of psycopg2, psycopg or any other DB-API library, inside a transaction.
        default: seconds where no deadline is around, and the most that is handed on.
    """
    cursor.execute(f"SET LOCAL statement_timeout = {statement_timeout(default)}")


def http_timeout(default: float | None = None) -> float | None:
    """Return a value for the `timeout` of requests, httpx, urllib3 or `urlopen`: seconds, `None` for no limit.

    These clients apply it to each step, such as connecting and each read, and not to the whole: keep the call inside
    the deadline too.

    Args:
        default: seconds where no deadline is around, and the most that is handed on.
    """
    return time_to_hand_on(default)
