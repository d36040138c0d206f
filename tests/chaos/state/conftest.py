"""A fresh database of the session's server for each test of the oracles."""

from __future__ import annotations

import contextlib
import itertools
import os

import psycopg2
import pytest

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(pool):
    """The session's PostgreSQL server."""
    return pool.postgres()


@pytest.fixture
def fresh(server):
    """Return a function that makes an empty database and returns its address."""
    with contextlib.ExitStack() as stack:

        def make(template="template1"):
            name = f"oracle_{os.getpid()}_{next(_NUMBERS)}"
            server.create_database(name, template=template)
            stack.callback(server.drop_database, name)
            return server.dsn(name)

        yield make


@pytest.fixture
def database(fresh):
    """The address of an empty database."""
    return fresh()


@pytest.fixture
def run():
    """Return a function that runs statements on a connection of its own and returns the last one's rows."""

    def execute(dsn, sql, parameters=None):
        with contextlib.closing(psycopg2.connect(dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else None

    return execute
