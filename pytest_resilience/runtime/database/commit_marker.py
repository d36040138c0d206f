"""A row that proves a commit: written in its transaction, looked up when the answer to COMMIT was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.database.connection import ClosedAfter
from pytest_resilience.runtime.database.own_table import OwnTable, plain_name
from pytest_resilience.runtime.database.views import view_of
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

TABLE = "resilience_commits"
LOOK_UPS = 5
PATIENCE = "10s"
"""How long to wait for a transaction that still has the marker; its connection is dead, so it ends soon."""

_COLUMNS = "marker text primary key, committed_at timestamptz not null default now()"
_WRITE = "insert into {table} (marker) values (%s) on conflict do nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitMarker:
    """The proof that one unit of work was committed; PostgreSQL only.

    Args:
        name: of the unit, the same each time it is tried.
        table: where the row goes; it is made if it is not there.
        reconnect: opens another connection, on which to look when the unit's own has died.

    Raises:
        TypeError: the name is no text.
        ValueError: it is empty: all units would be one, and only the first be done.
    """

    name: str
    table: str = TABLE
    reconnect: Callable[[], Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"a marker's name must be a text, got {self.name!r}")
        if not self.name.strip():
            raise ValueError(
                "a marker's name must not be empty: all units would be one, and only the first be done"
            )

    def write(self, cursor: Any) -> bool:
        """Write the row; return False if it is there already, which means that the unit is committed.

        PostgreSQL lets this wait for another transaction that has written the same row and not ended yet, so
        the answer is final.
        """
        table = OwnTable(plain_name(self.table), _COLUMNS)
        table.ensure(cursor)
        cursor.execute(_WRITE.format(table=table.name), (self.name,))
        return bool(cursor.rowcount)

    def is_there(self, *, clock: Clock = SYSTEM_CLOCK) -> bool | None:
        """Tell whether the unit was committed; None when that cannot be found out."""
        if self.reconnect is None:
            return None
        try:
            return retry_with_exponential_backoff(
                self._look, LOOK_UPS - 1, 1.0, 8.0, operation="look for the commit marker", clock=clock
            )
        except RetryableError:
            return None

    def _look(self) -> bool:
        """Try to write the marker on a new connection, and leave without a commit."""
        assert self.reconnect is not None  # noqa: S101 - is_there has looked
        try:
            connection = view_of(self.reconnect())
            try:
                connection.begin()
                with ClosedAfter(connection.cursor()) as cursor:
                    cursor.execute(f"set local lock_timeout = '{PATIENCE}'")
                    return not self.write(cursor)
            finally:
                connection.close()
        except Exception as error:
            raise RetryableError(f"the commit marker could not be read: {type(error).__name__}") from error
