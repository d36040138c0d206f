"""Units of work in the warehouse: all of one is done, or nothing, and a lost answer is looked after."""

import logging
import os
import re
import select
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg2
import tenacity
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, connection, cursor, set_wait_callback

from admissions.errors import WarehouseError, WarehouseTransientError
from admissions.log import about

log = logging.getLogger(__name__)
T = TypeVar("T")

STATEMENT = 2.0
PASSES = re.compile(r"08...|40001|40P01|53...|55P03|57P0.")
STAYS_WRONG = re.compile(r"authentication|pg_hba|does not exist|permission denied")


def _wait(conn: connection) -> None:
    """Wait for the server as psycopg2 does, but not longer than `STATEMENT` seconds."""
    until = time.monotonic() + STATEMENT
    while (state := conn.poll()) != POLL_OK:
        left = max(0.0, until - time.monotonic())
        reading = [conn.fileno()] if state == POLL_READ else []
        writing = [conn.fileno()] if state == POLL_WRITE else []
        if not any(select.select(reading, writing, [], left)):
            raise TimeoutError(f"no answer within {STATEMENT:g} s")


set_wait_callback(_wait)


class Warehouse:
    """A connection that is made when it is needed, and again when it was lost."""

    def __init__(self) -> None:
        self._connection: connection | None = None

    def unit(self, work: Callable[[cursor], T], *, operation: str) -> T:
        """Do a unit of work in one transaction; the whole of it again where it may have failed.

        `work` has to find out by itself how far things are: its COMMIT may have been applied unheard.

        Raises:
            WarehouseError: it could not be done.
        """

        def tell(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if error is not None:
                extra = about(error, operation=operation, attempt=state.attempt_number)
                log.warning("the transaction did not succeed, it will be tried again", extra=extra)

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(5),
            wait=tenacity.wait_exponential_jitter(initial=0.1, max=2, jitter=0.1),
            retry=tenacity.retry_if_exception_type(WarehouseTransientError),
            before_sleep=tell,
            reraise=True,
        )
        return retrying(self._once, work, operation)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, work: Callable[[cursor], T], operation: str) -> T:
        try:
            if self._connection is None:
                self._connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3)
            with self._connection as conn, conn.cursor() as cur:
                return work(cur)
        except (psycopg2.Error, TimeoutError) as error:
            self.close()
            raise _translated(error, operation) from error


def _translated(error: Exception, operation: str) -> WarehouseError:
    code = getattr(error, "pgcode", None)
    may_pass = bool(PASSES.fullmatch(code)) if code else not STAYS_WRONG.search(str(error))
    if may_pass and isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError | TimeoutError):
        return WarehouseTransientError(
            f"{operation} failed: {os.environ['DATABASE_URL']} was lost or busy", code=code
        )
    if may_pass and isinstance(error, psycopg2.DatabaseError) and code is None:
        return WarehouseTransientError(f"{operation} failed: the warehouse's answer was cut", code=code)
    return WarehouseError(f"{operation} failed: the warehouse said no, SQLSTATE {code}", code=code)
