"""Transactions: all operations or none, and a plain word about which of the two it was."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeVar, Unpack

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.events import Listener
from pytest_resilience.runtime.arguments import seconds
from pytest_resilience.runtime.callables import is_async, name_of, puts_off, require_function
from pytest_resilience.runtime.database.commit_marker import CommitMarker
from pytest_resilience.runtime.database.connection import (
    ClosedAfter,
    Connection,
    TransactionState,
    driver_connection,
    leave_clean,
    speaks_libpq,
    sqlstate_of,
)
from pytest_resilience.runtime.database.operations import Operations
from pytest_resilience.runtime.database.outcome import TransactionOutcome, TransactionStatus
from pytest_resilience.runtime.database.stall_guard import StallGuard
from pytest_resilience.runtime.database.views import view_of
from pytest_resilience.runtime.deadline import remaining_time
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

T = TypeVar("T")
logger = logging.getLogger(__name__)

RUN_AGAIN = ("40001", "40P01")
"""Serialization failure and deadlock: the same unit may succeed when it is run again, whole."""

LONGEST_DELAY = 5.0
"""Seconds between two runs of a unit."""
_UNDER_WAY: set[int] = set()
"""The drivers' connections that are in a unit of work."""


class UnitSettings(TypedDict, total=False):
    """How a unit of work is run.

    Args:
        max_retries: how often it is run again after a serialization failure or a deadlock; 3 if not given.
        base_delay: seconds before it is first run again, doubled each time, with jitter; 0.1 if not given.
        marker: lets a lost answer to COMMIT be found out, and makes a second run of the same unit do nothing.
        timeout: seconds for one run, after which a connection of psycopg is cut; none if not given, but for what a
            deadline around the call leaves.
        listeners: told of each attempt that failed.
        clock: where time comes from.
    """

    max_retries: int
    base_delay: float
    marker: CommitMarker | None
    timeout: float
    listeners: tuple[Listener, ...] | None
    clock: Clock


def execute_with_rollback(
    db_connection: Any, operations: Iterable[Any], **settings: Unpack[UnitSettings]
) -> TransactionOutcome[None]:
    """Run all SQL operations in one transaction: commit if all succeed, on any error roll back (policy §4).

    Args:
        db_connection: an open connection of psycopg2, psycopg 3, SQLAlchemy or another DB-API driver.
        operations: SQL strings, or pairs of SQL and parameters in the driver's own style.
        settings: see `UnitSettings`.

    Returns:
        What is true exactly when everything is committed; what went wrong is logged, and in its `error`.

    Raises:
        FatalError: this is no connection, or no list of operations.
    """
    return run_in_transaction(db_connection, Operations(operations), **settings)


def run_in_transaction(
    db_connection: Any, work: Callable[[Any], T], **settings: Unpack[UnitSettings]
) -> TransactionOutcome[T]:
    """Run `work(cursor)` in one transaction, whole again after a serialization failure or a deadlock.

    A transaction that is open already is joined, and then not run again: what came before cannot be repeated.

    Args:
        db_connection: an open connection of psycopg2, psycopg 3, SQLAlchemy or another DB-API driver.
        work: does nothing but database work with the cursor, since it may be run more than once.
        settings: see `UnitSettings`.

    Returns:
        What is true exactly when everything is committed; its `result()` is what `work` returned.

    Raises:
        FatalError: this is no connection, or it is in a unit of work already, which would be committed with this one.
        TypeError: `work` is asynchronous, or a generator: nothing of it runs when it is called; or a setting is
            no number.
        ValueError: a setting makes no sense.
    """
    require_function(work)
    if is_async(work):
        raise _NothingRanError(work)
    return _Unit(given=db_connection, connection=view_of(db_connection), work=work, **settings).run()


class _NothingRanError(TypeError):
    """The unit would be committed before anything of it ran."""

    def __init__(self, work: Callable[..., Any]) -> None:
        super().__init__(
            f"{name_of(work)} is asynchronous, or a generator: a unit of work runs when it is called"
        )


class _EndedInsideError(FatalError):
    """The unit has ended its transaction itself, and nobody knows how."""

    def __init__(self) -> None:
        super().__init__(
            "the unit of work ended its transaction itself, by a COMMIT or ROLLBACK of its own, so that nobody knows "
            "what of it is committed: look, and leave both to run_in_transaction"
        )


class _RunAgainError(RetryableError):
    """The whole unit may be run again."""


@dataclass(slots=True, kw_only=True)
class _Unit:
    """One unit of work on its way."""

    given: Any
    connection: Connection
    work: Callable[[Any], Any]
    max_retries: int = 3
    base_delay: float = 0.1
    marker: CommitMarker | None = None
    timeout: float = math.inf
    listeners: tuple[Listener, ...] | None = None
    clock: Clock = SYSTEM_CLOCK
    attempts: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        seconds("timeout", self.timeout, finite=False, zero=False)

    def run(self) -> TransactionOutcome[Any]:
        state = self.connection.state()
        joined = state is not TransactionState.IDLE
        key = id(self.given if state is TransactionState.LOST else driver_connection(self.given))
        if key in _UNDER_WAY:
            raise FatalError(
                "this connection is in a unit of work already, and a COMMIT here would commit half of that one: do it "
                "with the cursor of that unit, or on a connection of its own"
            )
        _UNDER_WAY.add(key)
        try:
            return retry_with_exponential_backoff(
                self._watched_attempt,
                0 if joined else self.max_retries,
                self.base_delay,
                LONGEST_DELAY,
                retriable_exceptions=(_RunAgainError,),
                operation="transaction",
                listeners=self.listeners,
                clock=self.clock,
            )
        except _RunAgainError as error:
            return self._rolled_back(error.__cause__ or error)
        finally:
            _UNDER_WAY.discard(key)

    def _watched_attempt(self) -> TransactionOutcome[Any]:
        """Run the unit once; in a connection that is cut it fails, or is unknown, as in any that is lost."""
        unlimited = self.timeout == math.inf and remaining_time() is None
        if unlimited or self.connection.state() is TransactionState.LOST:
            return self._attempt()
        driver = driver_connection(self.given)
        if not speaks_libpq(driver):
            return self._attempt()
        with StallGuard(driver, self.timeout) as guard, guard.step("transaction"):
            return self._attempt()

    def _attempt(self) -> TransactionOutcome[Any]:
        self.attempts += 1
        try:
            outcome = self._work_done()
        except _NothingRanError:
            leave_clean(self.connection)
            raise
        except _EndedInsideError as error:
            leave_clean(self.connection)
            logger.error("%s", str(error))  # noqa: TRY400 - the traceback may hold data
            return self._outcome(TransactionStatus.UNKNOWN, error=error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported in the outcome
            leave_clean(self.connection)
            return self._failed(error)
        except BaseException:
            leave_clean(self.connection)
            raise
        return outcome if outcome.repeated else self._committed(outcome)

    def _work_done(self) -> TransactionOutcome[Any]:
        """Do everything but the commit."""
        if self.connection.state() is TransactionState.IDLE:
            self.connection.begin()
        with ClosedAfter(self.connection.cursor()) as cursor:
            if self.marker is not None and not self.marker.write(cursor):
                self.connection.rollback()
                logger.info("unit %r was committed by an earlier run; nothing is done now", self.marker.name)
                return self._outcome(TransactionStatus.COMMITTED, repeated=True)
            value = self._worked(cursor)
        if puts_off(value, cursor):
            raise _NothingRanError(self.work)
        if self.connection.state() is TransactionState.ABORTED:
            # PostgreSQL would answer COMMIT with ROLLBACK, and the drivers call that success.
            raise FatalError(
                "the unit of work went on after a failed statement, so nothing of it can be committed; "
                "let database errors leave the unit, or use a savepoint"
            )
        return self._outcome(TransactionStatus.COMMITTED, value=value)

    def _worked(self, cursor: Any) -> Any:
        begun = self.connection.state() is TransactionState.OPEN
        try:
            value = self.work(cursor)
        except Exception as error:
            if self._is_ended(cursor, begun=begun):
                raise _EndedInsideError from error
            raise
        if self._is_ended(cursor, begun=begun):
            raise _EndedInsideError
        return value

    def _is_ended(self, cursor: Any, *, begun: bool) -> bool:
        """Tell whether a transaction that was open is none any more; some drivers begin it with the first statement."""
        is_idle = self.connection.knows_its_state and self.connection.state() is TransactionState.IDLE
        return is_idle and (begun or getattr(cursor, "statusmessage", None) is not None)

    def _committed(self, outcome: TransactionOutcome[Any]) -> TransactionOutcome[Any]:
        try:
            self.connection.commit()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported in the outcome
            sure = self.connection.knows_its_state and self.connection.state() is not TransactionState.LOST
            leave_clean(self.connection)
            return self._failed(error) if sure else self._after_lost_commit(error, outcome)
        except BaseException:
            leave_clean(self.connection)
            raise
        return outcome

    def _after_lost_commit(
        self, error: Exception, outcome: TransactionOutcome[Any]
    ) -> TransactionOutcome[Any]:
        committed = None if self.marker is None else self.marker.is_there(clock=self.clock)
        if committed:
            logger.warning("COMMIT got no answer; the marker shows that it was committed")
            return outcome
        if committed is None:
            logger.error(
                "COMMIT failed with %s on a connection that died, and nobody knows whether it was committed; "
                "look before trying again, or give the unit a marker that can reconnect",
                type(error).__name__,
            )
            return self._outcome(TransactionStatus.UNKNOWN, error=error)
        return self._rolled_back(error)

    def _failed(self, error: Exception) -> TransactionOutcome[Any]:
        """Report a unit of which nothing is left, or have it run again."""
        state = sqlstate_of(error)
        if state in RUN_AGAIN:
            raise _RunAgainError(f"the transaction was rolled back with SQLSTATE {state}") from error
        return self._rolled_back(error)

    def _rolled_back(self, error: BaseException) -> TransactionOutcome[Any]:
        logger.error(
            "transaction rolled back at attempt %d: %s, SQLSTATE %s",
            self.attempts,
            type(error).__name__,
            sqlstate_of(error),
            extra={"operation": "transaction", "attempt": self.attempts, "sqlstate": sqlstate_of(error)},
        )
        return self._outcome(TransactionStatus.ROLLED_BACK, error=error)

    def _outcome(self, status: TransactionStatus, **facts: Any) -> TransactionOutcome[Any]:
        return TransactionOutcome(status=status, attempts=self.attempts, **facts)
