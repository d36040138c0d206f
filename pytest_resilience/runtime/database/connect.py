"""Connect to PostgreSQL by an address, by whichever driver is installed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.classify import translated_errors

CONNECT_TIMEOUT = 10
"""Seconds; libpq alone would wait for the kernel to give up."""


def connect(dsn: str | None) -> Any:
    """Return a new connection of psycopg2, or of psycopg 3 where that one is not installed.

    Args:
        dsn: a connection string; default: `DATABASE_URL`.

    Raises:
        FatalError: there is no address or no driver, or the server refuses for good.
        RetryableError: it cannot be reached now.
    """
    address = dsn or os.environ.get("DATABASE_URL")
    if not address:
        raise FatalError(
            "no database: pass connection= or dsn=, or set DATABASE_URL to its address, for example "
            "postgresql://user@host:5432/name"
        )
    with translated_errors("connecting to the database"):
        if find_spec("psycopg2"):
            import psycopg2
            from psycopg2.extensions import parse_dsn

            return psycopg2.connect(**_defaults() | parse_dsn(plain_dsn(address)))
        if find_spec("psycopg"):
            import psycopg  # noqa: PLC0415 - only one of the two drivers need be installed
            from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

            return psycopg.connect(**_defaults() | conninfo_to_dict(plain_dsn(address)))
    raise FatalError('no PostgreSQL driver is installed; run: pip install "pytest-resilience[postgres]"')


def _defaults() -> dict[str, Any]:
    return {"connect_timeout": CONNECT_TIMEOUT, "application_name": "pytest-resilience"}


def plain_dsn(dsn: str) -> str:
    """Return a connection string as libpq reads it; SQLAlchemy's `postgresql+driver://` names a driver, too."""
    return re.sub(r"\A(postgres(?:ql)?)\+\w+://", r"\1://", dsn)


def connection_keywords(db_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return psycopg2's keywords for a configuration.

    Args:
        db_config: libpq's keywords, `database` and `username` for two of them, or `dsn` or `url` with a
            connection string, or both.

    Raises:
        FatalError: it is no mapping.
    """
    if not isinstance(db_config, Mapping):
        raise FatalError(
            "db_config must be a dict of connection keywords such as host, port, dbname, user and password, "
            f"got a {type(db_config).__name__}"
        )
    keywords = {
        {"database": "dbname", "username": "user", "url": "dsn"}.get(key, key): value
        for key, value in db_config.items()
        if value is not None
    }
    if "dsn" in keywords:
        keywords["dsn"] = plain_dsn(str(keywords["dsn"]))
    return keywords
