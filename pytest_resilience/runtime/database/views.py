"""One view of a database connection, be it psycopg2's, psycopg 3's, SQLAlchemy's or another DB-API driver's.

No driver is imported: a connection says by its class where it comes from.
"""

from __future__ import annotations

from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.database.connection import (
    ClosedAfter,
    Connection,
    TransactionState,
    driver_connection,
    speaks_libpq,
)


def view_of(connection: Any) -> Connection:
    """Return the view that fits this connection.

    Raises:
        FatalError: it is asynchronous, or no connection at all.
    """
    kind = type(connection)
    maker = kind.__module__.partition(".")[0]
    wanted = ("rollback", "exec_driver_sql" if hasattr(connection, "exec_driver_sql") else "cursor")
    if "Async" in kind.__name__ or not all(callable(getattr(connection, name, None)) for name in wanted):
        raise FatalError(
            f"expected an open synchronous database connection, got a {kind.__module__}.{kind.__qualname__}; "
            "pass one of psycopg2, psycopg, SQLAlchemy (`engine.connect()`) or another DB-API driver"
        )
    if hasattr(connection, "exec_driver_sql"):
        return _SqlAlchemy(connection)
    if maker == "sqlalchemy":
        return view_of(driver_connection(connection))
    if maker == "sqlite3":
        return _Sqlite(connection)
    return _Psycopg(connection) if speaks_libpq(connection) else _DbApi(connection)


class _DbApi:
    """A connection of any DB-API driver: it begins transactions by itself (PEP 249), and does not tell."""

    knows_its_state = False

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def state(self) -> TransactionState:
        return TransactionState.IDLE

    def begin(self) -> None:
        """Do nothing: the first statement begins one."""

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

    knows_its_state = True

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
    """A connection of psycopg2 or psycopg 3; in autocommit mode transactions are spelt out, and the mode stays."""

    knows_its_state = True

    def state(self) -> TransactionState:
        if self._connection.closed:
            return TransactionState.LOST
        match int(self._connection.info.transaction_status):  # libpq's PGTransactionStatusType
            case 0:
                return TransactionState.IDLE
            case 1 | 2:
                return TransactionState.OPEN
            case 3:
                return TransactionState.ABORTED
            case _:
                return TransactionState.LOST

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
        with ClosedAfter(self._connection.cursor()) as cursor:
            cursor.execute(statement)


class _SqlAlchemy:
    """A SQLAlchemy connection, which keeps a transaction of its own beside the driver's."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @property
    def knows_its_state(self) -> bool:
        return self.state() is TransactionState.LOST or self._driver().knows_its_state

    def state(self) -> TransactionState:
        if self._connection.closed or self._connection.invalidated:
            return TransactionState.LOST
        state = self._driver().state()
        return TransactionState.OPEN if state is TransactionState.IDLE and self._has_begun() else state

    def begin(self) -> None:
        if not self._has_begun():
            self._connection.begin()
        self._driver_autocommit("begin")

    def cursor(self) -> Any:
        return _SqlAlchemyCursor(self._connection)

    def commit(self) -> None:
        self._driver_autocommit("commit")
        self._connection.commit()

    def rollback(self) -> None:
        if not self._connection.invalidated:
            self._driver_autocommit("rollback")
        self._connection.rollback()

    def close(self) -> None:
        if not self._connection.closed:
            self._connection.invalidate()
            self._connection.close()

    def _has_begun(self) -> bool:
        return bool(self._connection.in_transaction())

    def _driver(self) -> Connection:
        return view_of(driver_connection(self._connection))

    def _driver_autocommit(self, act: str) -> None:
        """Under isolation level AUTOCOMMIT, SQLAlchemy's own begin and commit do nothing: spell them out."""
        if getattr(driver_connection(self._connection), "autocommit", False) is True:
            getattr(self._driver(), act)()


class _SqlAlchemyCursor:
    """The few methods of a cursor, spoken through SQLAlchemy, so that it knows what happens."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._result: Any = None

    def execute(self, sql: Any, parameters: Any = None) -> None:
        """Run a string as the driver takes it, or an SQLAlchemy statement."""
        run = self._connection.exec_driver_sql if isinstance(sql, str) else self._connection.execute
        self._result = run(sql, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._result, name)
