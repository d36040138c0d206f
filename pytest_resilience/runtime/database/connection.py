"""One view of a database connection, be it psycopg2, psycopg 3, SQLAlchemy or another DB-API driver.

No driver is imported: a connection says by its class where it comes from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import Enum
from typing import Any, Protocol

from pytest_resilience.errors import FatalError

LOST_STATES = ("08", "57P01", "57P02", "57P03")
"""SQLSTATEs after which a connection is gone (PostgreSQL documentation, appendix A)."""


class TransactionState(Enum):
    """Whether a connection is inside a transaction."""

    IDLE = "idle"
    OPEN = "open"
    ABORTED = "aborted"
    LOST = "lost"


class Connection(Protocol):
    """What a unit of work needs of a connection."""

    def state(self) -> TransactionState:
        """Return where the connection stands."""

    def begin(self) -> None:
        """Start a transaction, if the driver does not do so by itself."""

    def cursor(self) -> Any:
        """Return a DB-API cursor."""

    def commit(self) -> None:
        """Commit; raise if that did not happen."""

    def rollback(self) -> None:
        """Roll back."""

    def close(self) -> None:
        """Close it for good."""


def view_of(connection: Any) -> Connection:
    """Return the view that fits this connection.

    Raises:
        FatalError: it is asynchronous, or no connection at all.
    """
    maker = type(connection).__module__.partition(".")[0]
    if "Async" in type(connection).__name__ or not hasattr(connection, "rollback"):
        raise FatalError(
            f"expected an open synchronous database connection, got a {type(connection).__module__}."
            f"{type(connection).__qualname__}; pass one of psycopg2, psycopg, SQLAlchemy or "
            f"another DB-API driver"
        )
    if maker == "sqlalchemy":
        return _SqlAlchemy(connection)
    if maker == "sqlite3":
        return _Sqlite(connection)
    if hasattr(getattr(connection, "info", None), "transaction_status") and maker != "unittest":
        return _Psycopg(connection)
    return _DbApi(connection)


def driver_connection(connection: Any) -> Any:
    """Return the driver's own connection, which SQLAlchemy wraps."""
    if type(connection).__module__.partition(".")[0] != "sqlalchemy":
        return connection
    fairy = connection.connection
    return getattr(fairy, "driver_connection", None) or fairy


def sqlstate_of(error: BaseException | None) -> str | None:
    """Return the SQLSTATE of a driver's error, also of one that SQLAlchemy has wrapped."""
    while error is not None:
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if isinstance(state, str):
            return state
        error = getattr(error, "orig", None) or error.__cause__
    return None


@contextlib.contextmanager
def closing_quietly(cursor: Any) -> Iterator[Any]:
    """Close a cursor; a failure to close one on a lost connection hides nothing."""
    try:
        yield cursor
    finally:
        with contextlib.suppress(Exception):
            cursor.close()


class _DbApi:
    """A connection of any DB-API driver, which begins transactions by itself (PEP 249)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def state(self) -> TransactionState:
        return TransactionState.IDLE

    def begin(self) -> None:
        pass

    def cursor(self) -> Any:
        return self._connection.cursor()

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


class _Sqlite(_DbApi):
    """An sqlite3 connection, whose own implicit transactions leave out CREATE and DROP."""

    def state(self) -> TransactionState:
        return TransactionState.OPEN if self._connection.in_transaction else TransactionState.IDLE

    def begin(self) -> None:
        self._connection.execute("BEGIN")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


class _Psycopg(_DbApi):
    """A connection of psycopg2 or psycopg 3; in autocommit mode transactions are spelt out."""

    def state(self) -> TransactionState:
        if self._connection.closed:
            return TransactionState.LOST
        states = (
            TransactionState.IDLE,
            TransactionState.OPEN,
            TransactionState.OPEN,
            TransactionState.ABORTED,
        )
        status = int(self._connection.info.transaction_status)  # libpq's PGTransactionStatusType
        return states[status] if status < len(states) else TransactionState.LOST

    def begin(self) -> None:
        if self._connection.autocommit:
            self._say("BEGIN")

    def commit(self) -> None:
        if self._connection.autocommit:
            self._say("COMMIT")
        else:
            self._connection.commit()

    def rollback(self) -> None:
        if not self._connection.autocommit:
            self._connection.rollback()
        elif self.state() is not TransactionState.IDLE:
            self._say("ROLLBACK")

    def _say(self, statement: str) -> None:
        with closing_quietly(self._connection.cursor()) as cursor:
            cursor.execute(statement)


class _SqlAlchemy:
    """A SQLAlchemy connection, which keeps a transaction of its own beside the driver's."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def _driver(self) -> Connection:
        return view_of(driver_connection(self._connection))

    def state(self) -> TransactionState:
        if self._connection.closed or self._connection.invalidated:
            return TransactionState.LOST
        state = self._driver().state()
        if state is TransactionState.IDLE and self._connection.in_transaction():
            return TransactionState.OPEN
        return state

    def begin(self) -> None:
        if not self._connection.in_transaction():
            self._connection.begin()

    def cursor(self) -> Any:
        return _SqlAlchemyCursor(self._connection)

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        self._connection.invalidate()
        self._connection.close()


class _SqlAlchemyCursor:
    """The few methods of a cursor, spoken through SQLAlchemy, so that it knows what happens."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._result: Any = None

    def execute(self, sql: Any, parameters: Any = None) -> None:
        if isinstance(sql, str):
            self._result = self._connection.exec_driver_sql(sql, parameters)
        else:
            self._result = self._connection.execute(sql, parameters)

    def fetchone(self) -> Any:
        return self._result.fetchone()

    def fetchall(self) -> Any:
        return self._result.fetchall()

    @property
    def rowcount(self) -> int:
        return int(self._result.rowcount)

    def close(self) -> None:
        if self._result is not None:
            self._result.close()
