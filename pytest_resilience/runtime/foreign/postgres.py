"""PostgreSQL: psycopg2, psycopg 3 and asyncpg by SQLSTATE (PostgreSQL documentation, appendix A)."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from contextlib import suppress
from functools import lru_cache
from typing import cast

from pytest_resilience.errors import Severity
from pytest_resilience.runtime.foreign.verdict import Verdict, fatal, look_up, retryable

_LOST = retryable(
    "the connection to the database is lost or refused",
    "Reconnect and try again; if that fails, see whether the server is up.",
    Severity.CRITICAL,
)
_FULL = retryable(
    "the database has no resources left", "Try again later; see connections, disk and memory.", Severity.HIGH
)
_GOING = retryable(
    "the database is shutting down or starting", "Try again in some seconds.", Severity.CRITICAL
)
_RERUN = retryable("the transaction collided with another", "Run the whole transaction again.")

SQLSTATES: dict[str, Verdict] = {
    "08": _LOST,
    "40001": _RERUN,
    "40P01": _RERUN,
    "40": fatal("the transaction was rolled back"),
    "40003": fatal("whether the statement took effect is unknown", "Look before you do it again."),
    "53": _FULL,
    "53300": retryable("the database has no connection left", "Try again later; see who holds them."),
    "53400": fatal("a configured limit of the database is exceeded", "Raise the limit, or ask for less."),
    "55P03": retryable("a lock is held by another", "Try again when the other has finished."),
    "57014": fatal(
        "the statement was cancelled, or ran into its time-out", "Make it faster, or give it more time."
    ),
    "57P01": _GOING,
    "57P02": _GOING,
    "57P03": _GOING,
    "57P05": _LOST,
    "25P03": _LOST,
    "25P04": fatal("the transaction ran into its time-out", "Make it shorter, or give it more time."),
    "58030": retryable(
        "the database had an input/output error", "Try again; see its disks.", Severity.CRITICAL
    ),
    "22": fatal("the data do not fit the statement", "Correct the data, or the statement."),
    "23": fatal("the data break a constraint", "Correct the data: the same row will be refused again."),
    "28": fatal("the database refused these credentials", "Check user, password and pg_hba.conf."),
    "3D": fatal("there is no such database", "Check the database's name."),
    "42": fatal(
        "the statement, or the schema it expects, is wrong", "Check the statement and the migrations."
    ),
}
"""By SQLSTATE or its class (the first two characters); the longer one wins (policy §2)."""

TEXTS: tuple[tuple[str, str], ...] = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("does not exist", "3D000"),
    ("too many c", "53300"),
    ("remaining connection slots", "53300"),
    ("starting up", "57P03"),
    ("shutting down", "57P03"),
    ("in recovery mode", "57P03"),
    ("connection already closed", "08003"),
    ("connection is closed", "08003"),
    ("connection is lost", "08006"),
)
"""What libpq says where it gives no SQLSTATE, as it does when connecting."""

SQLSTATE = 5
"""Characters of a SQLSTATE."""

CODE_OF: dict[str, str] = {
    "psycopg2.Error": "pgcode",
    "psycopg.Error": "sqlstate",
    "asyncpg.exceptions._base.PostgresError": "sqlstate",
}
"""Which attribute of each library's exceptions holds the SQLSTATE."""

KINDS: dict[str, Verdict] = {
    "psycopg2.OperationalError": _LOST,
    "psycopg.OperationalError": _LOST,
    "psycopg2.pool.PoolError": retryable(
        "the connection pool is exhausted", "Try again later, or enlarge the pool."
    ),
    "psycopg_pool.PoolTimeout": retryable(
        "the connection pool is exhausted", "Try again later, or enlarge the pool."
    ),
    "psycopg_pool.errors.PoolTimeout": retryable("the connection pool is exhausted", "Try again later."),
    "psycopg2.Error": fatal("the database library refused the call"),
    "psycopg.Error": fatal("the database library refused the call"),
    "asyncpg.exceptions._base.InterfaceError": fatal("the database library refused the call"),
}
"""By class, where there is neither a SQLSTATE nor a known text."""


def judge(error: BaseException) -> Verdict | None:
    """Return the verdict on an exception of a PostgreSQL library."""
    kind = look_up(KINDS, error)
    attribute = look_up(CODE_OF, error)
    if kind is None and attribute is None:
        return None
    code = getattr(error, attribute, None) if attribute else None
    return (
        _by_code(code or _code_of_class(cast("Hashable", type(error))) or _code_in_text(error))
        or kind
        or fatal("the database refused the statement")
    )


def _by_code(code: str | None) -> Verdict | None:
    if not code:
        return None
    verdict = SQLSTATES.get(code) or SQLSTATES.get(code[:2]) or fatal("the database refused the statement")
    return Verdict(verdict.kind, f"SQLSTATE {code}, {verdict.condition}", verdict.advice, verdict.severity)


@lru_cache(maxsize=512)
def _code_of_class(kind: Hashable) -> str | None:
    """Return the SQLSTATE that psycopg2 has a class for: an exception that no server has sent has no `pgcode`."""
    if "psycopg2.errors" not in sys.modules:
        return None
    from psycopg2 import errorcodes, errors  # whose exceptions these are has loaded it

    codes = [code for name, code in vars(errorcodes).items() if name.isupper() and len(str(code)) == SQLSTATE]
    known = {}
    for code in codes:
        with suppress(KeyError):  # it has classes for errors alone
            known[errors.lookup(code)] = code
    return next((known[base] for base in cast("type", kind).__mro__ if base in known), None)


def _code_in_text(error: BaseException) -> str | None:
    text = str(error)
    return next((code for words, code in TEXTS if words in text), None)
