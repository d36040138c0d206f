"""Transactions: all operations or none, and a plain word about which of the two it was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.events import Listener
from pytest_resilience.runtime.backoff import ExponentialBackoff
from pytest_resilience.runtime.database import commit_marker
from pytest_resilience.runtime.database.connection import (
    Connection,
    TransactionState,
    closing_quietly,
    sqlstate_of,
    view_of,
)
from pytest_resilience.runtime.database.sql_text import controls_transaction, without_data
from pytest_resilience.runtime.retry import Retry

T = TypeVar("T")
logger = logging.getLogger(__name__)

RUN_AGAIN = ("40001", "40P01")
"""Serialization failure and deadlock: the same unit may succeed when it is run again, whole."""


class TransactionStatus(StrEnum):
    """How a transaction ended."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionOutcome(Generic[T]):
    """How a unit of work ended; true exactly when it is committed.

    Args:
        status: `unknown` means that the connection died while COMMIT was under way, and no marker could tell.
        error: what went wrong, or None.
        attempts: how often the unit was run.
        value: what the unit returned.
        repeated: an earlier run with the same marker had committed, so that nothing was done now.
    """

    status: TransactionStatus
    error: BaseException | None = None
    attempts: int = 1
    value: T | None = None
    repeated: bool = False

    def __bool__(self) -> bool:
        return self.status is TransactionStatus.COMMITTED

    @property
    def committed(self) -> bool:
        """The changes are in the database for good."""
        return self.status is TransactionStatus.COMMITTED

    @property
    def rolled_back(self) -> bool:
        """The database is as it was before."""
        return self.status is TransactionStatus.ROLLED_BACK

    @property
    def unknown(self) -> bool:
        """Nobody can tell; look before trying again."""
        return self.status is TransactionStatus.UNKNOWN

    def result(self) -> T:
        """Return what the unit returned, or raise what went wrong."""
        if self.error is not None and not self:
            raise self.error
        return self.value  # type: ignore[return-value]


class _RunAgainError(RetryableError):
    """The whole unit may be run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOfWork:
    """How units of work are run; immutable, shared by any number of threads.

    Args:
        max_retries: how often a unit is run again after a serialization failure or a deadlock.
        base_delay: seconds before it is first run again; doubled each time, with jitter.
        marker: names this unit; a row with it is written in the same transaction, so that a lost answer to
        COMMIT
            is no longer a riddle, and a second run with the same marker does nothing.
        marker_table: where that row goes; made if it is not there.
        reconnect: opens another connection, to look for the marker when this one has died.
    """

    max_retries: int = 3
    base_delay: float = 0.1
    marker: str | None = None
    marker_table: str = "resilience_commits"
    reconnect: Callable[[], Any] | None = None
    listeners: tuple[Listener, ...] | None = None
    clock: Clock = SYSTEM_CLOCK

    def run(self, db_connection: Any, work: Callable[[Any], T]) -> TransactionOutcome[T]:
        """Run `work(cursor)` in one transaction; it is run again whole, so it should do nothing else.

        An already open transaction is joined, and then not run again: what came before cannot be repeated.
        """
        connection = view_of(db_connection)
        joined = connection.state() is not TransactionState.IDLE
        attempts = 0

        def attempt() -> TransactionOutcome[T]:
            nonlocal attempts
            attempts += 1
            return self._attempt(connection, work, attempts)

        retry = Retry(
            max_retries=0 if joined else self.max_retries,
            backoff=ExponentialBackoff(self.base_delay, 5.0),
            retriable_exceptions=(_RunAgainError,),
            operation="transaction",
            listeners=self.listeners,
            clock=self.clock,
        )
        try:
            return retry.call(attempt)
        except _RunAgainError as error:
            return _failed(error.__cause__, attempts)

    def _attempt(
        self, connection: Connection, work: Callable[[Any], T], number: int
    ) -> TransactionOutcome[T]:
        try:
            connection.begin()
            with closing_quietly(connection.cursor()) as cursor:
                if self.marker is not None and not commit_marker.write(
                    cursor, self.marker_table, self.marker
                ):
                    connection.rollback()
                    return TransactionOutcome(status=TransactionStatus.COMMITTED, repeated=True)
                value = work(cursor)
            _refuse_an_aborted_one(connection)
        except Exception as error:
            leave_clean(connection)
            if sqlstate_of(error) in RUN_AGAIN:
                raise _RunAgainError(f"the transaction failed with SQLSTATE {sqlstate_of(error)}") from error
            return _failed(error, number)
        except BaseException:
            leave_clean(connection)
            raise
        return self._commit(connection, value, number)

    def _commit(self, connection: Connection, value: T, number: int) -> TransactionOutcome[T]:
        try:
            connection.commit()
        except Exception as error:
            lost = connection.state() is TransactionState.LOST
            leave_clean(connection)
            if lost:
                return self._after_lost_commit(error, value, number)
            if sqlstate_of(error) in RUN_AGAIN:
                raise _RunAgainError(f"COMMIT failed with SQLSTATE {sqlstate_of(error)}") from error
            return _failed(error, number)
        except BaseException:
            leave_clean(connection)
            raise
        return TransactionOutcome(status=TransactionStatus.COMMITTED, value=value, attempts=number)

    def _after_lost_commit(self, error: Exception, value: T, number: int) -> TransactionOutcome[T]:
        committed = None
        if self.marker is not None and self.reconnect is not None:
            committed = commit_marker.look_up(
                self.reconnect, self.marker_table, self.marker, clock=self.clock
            )
        if committed:
            logger.warning("the connection died during COMMIT; the marker shows that it was committed")
            return TransactionOutcome(status=TransactionStatus.COMMITTED, value=value, attempts=number)
        if committed is None:
            logger.error(
                "the connection died during COMMIT (%s), and it is unknown whether it was "
                "committed; look before "
                "trying again, or give the unit a marker and a way to reconnect",
                type(error).__name__,
            )
            return TransactionOutcome(status=TransactionStatus.UNKNOWN, error=error, attempts=number)
        return _failed(error, number)


def _refuse_an_aborted_one(connection: Connection) -> None:
    """PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK, and drivers call that success."""
    if connection.state() is TransactionState.ABORTED:
        raise FatalError(
            "the unit of work went on after a failed statement, so nothing of it can be committed; "
            "let database errors leave the unit, or use a savepoint"
        )


def leave_clean(connection: Connection) -> None:
    """Roll back; a connection that cannot even do that is closed, never handed back inside a transaction."""
    try:
        connection.rollback()
    except Exception as error:  # noqa: BLE001 - whatever it is, closing ends the transaction too
        logger.warning("rollback failed with %s; the connection is closed", type(error).__name__)
        connection.close()


def _failed(error: BaseException | None, attempts: int) -> TransactionOutcome[Any]:
    logger.error(
        "transaction rolled back: %s, SQLSTATE %s, attempt %d",
        type(error).__name__,
        sqlstate_of(error),
        attempts,
    )
    return TransactionOutcome(status=TransactionStatus.ROLLED_BACK, error=error, attempts=attempts)


def run_in_transaction(
    db_connection: Any, work: Callable[[Any], T], **settings: Any
) -> TransactionOutcome[T]:
    """Run `work(cursor)` in one transaction, whole again after a serialization failure or a deadlock.

    Args:
        db_connection: an open connection of psycopg2, psycopg 3, SQLAlchemy or another DB-API driver.
        work: gets a cursor; does nothing but database work, since it may be run more than once.
        settings: of `UnitOfWork`.
    """
    return UnitOfWork(**settings).run(db_connection, work)


def execute_with_rollback(
    db_connection: Any, operations: Iterable[Any], **settings: Any
) -> TransactionOutcome[None]:
    """Run all SQL operations in one transaction: commit if all succeed, on any error roll back (policy §4).

    Args:
        db_connection: an open connection of psycopg2, psycopg 3, SQLAlchemy or another DB-API driver.
        operations: SQL strings, or pairs of SQL and parameters in the driver's own style.
        settings: of `UnitOfWork`.

    Returns:
        What is true exactly when everything is committed; errors are logged, and in its `error`.

    Raises:
        FatalError: an operation is no SQL, or would end the transaction by itself; nothing was run.
    """
    pairs = [_pair(position, operation) for position, operation in enumerate(_listed(operations), 1)]

    def work(cursor: Any) -> None:
        for position, (sql, parameters) in enumerate(pairs, 1):
            try:
                cursor.execute(sql) if parameters is None else cursor.execute(sql, parameters)
            except Exception as error:
                logger.error(  # noqa: TRY400 - the traceback would carry the data that the log must not
                    "operation %d of %d failed with %s, SQLSTATE %s: %s",
                    position,
                    len(pairs),
                    type(error).__name__,
                    sqlstate_of(error),
                    without_data(str(sql)),
                )
                raise

    return run_in_transaction(db_connection, work, **settings)


def _listed(operations: Iterable[Any]) -> list[Any]:
    if isinstance(operations, (str, bytes)) or not isinstance(operations, Iterable):
        raise FatalError(
            f"operations must be a list of SQL strings or (sql, parameters) pairs, got a "
            f"{type(operations).__name__}"
        )
    return list(operations)


def _pair(position: int, operation: Any) -> tuple[Any, Any]:
    sql, parameters = operation, None
    if isinstance(operation, (tuple, list)):
        if len(operation) not in {1, 2}:
            raise FatalError(f"operation {position} has {len(operation)} parts; expected (sql, parameters)")
        sql, parameters = operation[0], operation[1] if len(operation) == 2 else None
    if isinstance(sql, str):
        if not sql.strip():
            raise FatalError(f"operation {position} is empty")
        control = controls_transaction(sql)
        if control is not None:
            raise FatalError(
                f"operation {position} would begin or end a transaction ({control}); leave that "
                f"out: all operations "
                "run in one transaction"
            )
    return sql, parameters
