"""The hospital's database, by psycopg 3: a unit of work is one transaction, tried again as a whole."""

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

log = logging.getLogger("census.hospital")

ATTEMPTS, BASE, CAP = 5, 0.15, 3.0
STALLED = 2.0
PASSING = ("08", "40001", "40P01", "53", "55P03", "57P0")


class HospitalError(Exception):
    """The database could not do a unit of work."""

    def __init__(self, operation: str, sqlstate: str | None) -> None:
        why = f"SQLSTATE {sqlstate}" if sqlstate else "the connection was lost"
        super().__init__(f"could not {operation} in database hospital: {why}")
        self.operation = operation
        self.sqlstate = sqlstate


def unit(work: Callable[[psycopg.Connection[Any]], None], *, operation: str) -> None:
    """Do `work` in a transaction, and the whole of it again after what may pass.

    Raises:
        HospitalError: it could not be done.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _session() as connection, connection.transaction():
                work(connection)
        except psycopg.Error as error:
            if attempt == ATTEMPTS or not _passes(error):
                raise HospitalError(operation, error.sqlstate) from error
            _tell(error, operation, attempt)
            time.sleep(random.uniform(0.5, 1.5) * min(CAP, BASE * 2 ** (attempt - 1)))
        else:
            return


class _Session:
    """The one connection of this process, for as long as it lives."""

    current: psycopg.Connection[Any] | None = None


@contextmanager
def _session() -> Iterator[psycopg.Connection[Any]]:
    """Give the connection out, a new one where the last was lost."""
    fresh = _Session.current is None
    connection = _Session.current or psycopg.connect(
        connect_timeout=2, application_name="census", autocommit=True
    )
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        watch = threading.Timer(STALLED, _break, [line])
        watch.daemon = True
        watch.start()
        try:
            if fresh:
                connection.execute("set search_path to icu")
            _Session.current = connection
            yield connection
        except BaseException:
            _Session.current = None
            connection.close()
            raise
        finally:
            watch.cancel()


def _break(line: socket.socket) -> None:
    """End a connection that does not answer: libpq has no time-out of its own for that."""
    with suppress(OSError):  # it is closed already
        line.shutdown(socket.SHUT_RDWR)


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
