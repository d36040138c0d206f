"""The hospital's database, by psycopg 3: a unit of work is one transaction, tried again as a whole."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

log = logging.getLogger("census.hospital")

ATTEMPTS, BASE, CAP = 5, 0.15, 3.0
PASSING = ("08", "40001", "40P01", "53", "55P03", "57P0")


class HospitalError(Exception):
    """The database could not do a unit of work."""

    def __init__(self, operation: str, sqlstate: str | None) -> None:
        why = f"SQLSTATE {sqlstate}" if sqlstate else "the connection was lost"
        super().__init__(f"could not {operation} in database hospital: {why}")
        self.operation = operation
        self.sqlstate = sqlstate


def unit(work: Callable[[psycopg.Connection[Any]], None], *, operation: str) -> None:
    """Do `work` in a transaction of a new connection, and the whole of it again after what may pass.

    Raises:
        HospitalError: it could not be done.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _connected() as connection, connection.transaction():
                work(connection)
        except psycopg.Error as error:
            if attempt == ATTEMPTS or not _passes(error):
                raise HospitalError(operation, error.sqlstate) from error
            _tell(error, operation, attempt)
            time.sleep(random.uniform(0.5, 1.5) * min(CAP, BASE * 2 ** (attempt - 1)))
        else:
            return


@contextmanager
def _connected() -> Iterator[psycopg.Connection[Any]]:
    """Connect as the environment says; everything that a connection has to know is set each time."""
    connection = psycopg.connect(connect_timeout=2, application_name="census", autocommit=True)
    try:
        connection.execute("set search_path to icu")
        yield connection
    finally:
        connection.close()


def _passes(error: psycopg.Error) -> bool:
    if error.sqlstate is not None:
        return error.sqlstate.startswith(PASSING)
    return not any(
        word in str(error) for word in ("authentication", "pg_hba", "does not exist", "permission")
    )


def _tell(error: psycopg.Error, operation: str, attempt: int) -> None:
    facts = {
        "operation": operation,
        "attempt": attempt,
        "error_type": type(error).__name__,
        "code": error.sqlstate,
    }
    log.warning("the database was lost or busy, trying again", extra={"facts": facts})
