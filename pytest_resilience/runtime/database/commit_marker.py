"""A row that proves a commit: written in its transaction, looked up when the answer to COMMIT was lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pytest_resilience.clock import Clock
from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.backoff import ExponentialBackoff
from pytest_resilience.runtime.database.connection import closing_quietly, view_of
from pytest_resilience.runtime.retry import Retry

logger = logging.getLogger(__name__)

_TABLE = (
    "create table if not exists {table} (marker text primary key, committed_at timestamptz default now())"
)
_WRITE = "insert into {table} (marker) values (%s) on conflict do nothing"


def write(cursor: Any, table: str, marker: str) -> bool:
    """Write the marker; return False when it is there already, so that the unit is committed."""
    cursor.execute(_TABLE.format(table=table))
    cursor.execute(_WRITE.format(table=table), (marker,))
    return bool(cursor.rowcount)


def look_up(reconnect: Callable[[], Any], table: str, marker: str, *, clock: Clock) -> bool | None:
    """Tell on another connection whether the unit was committed; None when that cannot be found out.

    Writing the same marker waits for a transaction that is still writing it: what is found is final.
    """

    def attempt() -> bool:
        try:
            connection = view_of(reconnect())
        except Exception as error:
            raise RetryableError(
                f"no connection to look for the commit marker: {type(error).__name__}"
            ) from error
        try:
            connection.begin()
            with closing_quietly(connection.cursor()) as cursor:
                cursor.execute("set local lock_timeout = '10s'")
                return not write(cursor, table, marker)
        except Exception as error:
            raise RetryableError(f"the commit marker could not be read: {type(error).__name__}") from error
        finally:
            connection.close()

    retry = Retry(max_retries=4, backoff=ExponentialBackoff(1.0, 8.0), operation="commit marker", clock=clock)
    try:
        return retry.call(attempt)
    except RetryableError:
        return None
