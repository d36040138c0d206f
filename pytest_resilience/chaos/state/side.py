"""The side connection: how the oracles look at a database around the proxy, without waiting for ever."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from pytest_resilience.errors import HarnessError

NAME = "pytest-resilience-oracle"
"""The application name by which the oracles know their own connections."""
CONNECT_TIMEOUT = 10
LOCK_TIMEOUT = 10.0
"""Seconds to wait for a lock: whoever holds one so long has left it behind."""
STATEMENT_TIMEOUT = 120.0
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+(?=://)")


@contextlib.contextmanager
def side_connection(dsn: str) -> Iterator[Any]:
    """Open a psycopg2 connection in autocommit mode, and close it.

    Args:
        dsn: a URL, also with a driver in its scheme (`postgresql+psycopg2://`), or `key=value` words.

    Raises:
        HarnessError: the server does not let us in.
    """
    import psycopg2

    timeouts = (
        f"-c lock_timeout={LOCK_TIMEOUT * 1000:.0f} -c statement_timeout={STATEMENT_TIMEOUT * 1000:.0f}"
    )
    try:
        opened = psycopg2.connect(
            _DRIVER.sub(r"\1", dsn), application_name=NAME, connect_timeout=CONNECT_TIMEOUT, options=timeouts
        )
    except psycopg2.ProgrammingError:
        raise HarnessError(  # libpq's own text quotes the address, with its password
            "The database cannot be looked at from the side: its address is none of PostgreSQL's. "
            "Write postgresql://user:password@host:port/database."
        ) from None
    except psycopg2.Error as error:
        raise HarnessError(
            f"The database cannot be looked at from the side: {first_line(error)}. "
            "Does the server run, and is it reached around the proxy?"
        ) from error
    with contextlib.closing(opened) as connection:
        connection.autocommit = True
        yield connection


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text; those that follow show rows (DETAIL) and statements."""
    return str(error).strip().partition("\n")[0]
