"""What the runtime needs of a database connection, and what one can tell of connections and errors of any driver."""

from __future__ import annotations

import logging
from enum import Enum
from typing import Any, Protocol

logger = logging.getLogger(__name__)


class TransactionState(Enum):
    """Whether a connection is inside a transaction."""

    IDLE = "idle"
    OPEN = "open"
    ABORTED = "aborted"
    LOST = "lost"


class Connection(Protocol):
    """What a transaction needs of a connection."""

    @property
    def knows_its_state(self) -> bool:
        """Whether `state()` tells the truth; if not, nobody knows what a failed COMMIT did."""

    def state(self) -> TransactionState:
        """Return where the connection stands."""

    def begin(self) -> None:
        """Start a transaction, if the driver does not do so by itself."""

    def cursor(self) -> Any:
        """Return a DB-API cursor."""

    def commit(self) -> None:
        """Commit."""

    def rollback(self) -> None:
        """Roll back."""

    def close(self) -> None:
        """Close it for good."""


def speaks_libpq(connection: Any) -> bool:
    """Tell whether this is a connection of psycopg2 or psycopg 3, or of a class derived from theirs."""
    return any(
        base.__module__.partition(".")[0] in {"psycopg2", "psycopg"} for base in type(connection).__mro__
    )


def driver_connection(connection: Any) -> Any:
    """Return the driver's own connection, which SQLAlchemy wraps, or lends from its pool (`raw_connection()`)."""
    if type(connection).__module__.partition(".")[0] != "sqlalchemy":
        return connection
    lent = connection.connection if hasattr(connection, "exec_driver_sql") else connection
    return lent.driver_connection


def sqlstate_of(error: BaseException | None) -> str | None:
    """Return the SQLSTATE of a driver's error, also of one that another layer has wrapped."""
    while error is not None:
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if isinstance(state, str):
            return state
        error = getattr(error, "orig", None) or error.__cause__
    return None


class ClosedAfter:
    """Close a cursor in the end; that this fails on a lost connection must not hide why it is lost."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __enter__(self) -> Any:
        return self._cursor

    def __exit__(self, *_failure: object) -> None:
        try:
            self._cursor.close()
        except Exception as error:  # noqa: BLE001 - what lost the connection has been raised already
            logger.debug("a cursor could not be closed: %s", type(error).__name__)


def leave_clean(connection: Connection) -> None:
    """Roll back; a connection that cannot even do that is closed, never handed back inside a transaction."""
    try:
        connection.rollback()
    except Exception as error:  # noqa: BLE001 - whatever it is, closing ends the transaction too
        logger.warning("rollback failed with %s; the connection is closed", type(error).__name__)
        connection.close()
