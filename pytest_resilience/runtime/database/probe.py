"""Ask a PostgreSQL server whether it answers, within a time limit that no network can stretch."""

from __future__ import annotations

import contextlib
import os
import re
import select
from collections.abc import Mapping
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, RetryableError

PERMANENT = re.compile(
    r"password authentication failed|no password supplied|no pg_hba.conf entry|role \"[^\"]*\" does not exist"
    r"|database \"[^\"]*\" does not exist|invalid (?:connection option|dsn|URI|port|sslmode)"
)
"""psycopg2 gives no SQLSTATE for a failed connect; these words come from the server and libpq, in English."""


def connection_arguments(db_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return psycopg2's keywords for this configuration.

    Args:
        db_config: libpq's keywords, or `dsn` or `url` with a connection string, or both.

    Raises:
        FatalError: it is no mapping, or says nothing about where the database is.
    """
    if not isinstance(db_config, Mapping):
        raise FatalError(
            f"db_config must be a dict of connection keywords such as host, port, dbname, user and "
            f"password, got "
            f"a {type(db_config).__name__}"
        )
    arguments = {key: value for key, value in db_config.items() if value is not None}
    url = arguments.pop("url", None) or arguments.pop("dsn", None)
    if url is not None:
        arguments["dsn"] = plain_dsn(str(url))
    if "database" in arguments:
        arguments["dbname"] = arguments.pop("database")
    if "username" in arguments:
        arguments["user"] = arguments.pop("username")
    return arguments


def plain_dsn(dsn: str) -> str:
    """Return a connection string for libpq; SQLAlchemy's `postgresql+driver://` names a driver, too."""
    return re.sub(r"\A(postgres(?:ql)?)\+\w+://", r"\1://", dsn)


def check_answers(arguments: dict[str, Any], *, timeout: float, clock: Clock = SYSTEM_CLOCK) -> None:
    """Connect, ask `SELECT 1`, and leave.

    Args:
        arguments: psycopg2's keywords.
        timeout: seconds for all of it.
        clock: where time comes from.

    Raises:
        RetryableError: no right answer came in time.
        FatalError: the server or libpq will refuse this configuration again.
    """
    import psycopg2

    limit = clock.monotonic() + timeout
    try:
        connection = psycopg2.connect(**arguments, async_=1)
    except (psycopg2.OperationalError, psycopg2.ProgrammingError, TypeError) as error:
        raise _judged(error) from error
    try:
        with contextlib.closing(connection):
            _wait(connection, limit, clock)
            with contextlib.closing(connection.cursor()) as cursor:
                cursor.execute("SELECT 1")
                _wait(connection, limit, clock)
                answer = cursor.fetchone()
    except psycopg2.Error as error:
        raise _judged(error) from error
    if answer != (1,):
        raise RetryableError(f"the database answered SELECT 1 with {answer!r}")


def _wait(connection: Any, limit: float, clock: Clock) -> None:
    from psycopg2 import extensions

    while (state := connection.poll()) != extensions.POLL_OK:
        remaining = limit - clock.monotonic()
        reading = [connection] if state == extensions.POLL_READ else []
        writing = [connection] if state == extensions.POLL_WRITE else []
        if remaining <= 0 or not any(select.select(reading, writing, [], remaining)):
            raise RetryableError("the database did not answer in time")


def _judged(error: Exception) -> FatalError | RetryableError:
    if isinstance(error, TypeError) or PERMANENT.search(str(error)):
        return FatalError(f"the database refuses this configuration: {_first_line(error)}")
    return RetryableError(f"the database cannot be reached: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def dsn_from_environment() -> str | None:
    """Return `DATABASE_URL`, if it is set."""
    return os.environ.get("DATABASE_URL") or None
