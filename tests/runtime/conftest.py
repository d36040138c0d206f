"""One PostgreSQL server for the tests of the data path, and a fresh database for each test."""

from __future__ import annotations

import contextlib
import itertools

import psycopg2
import pytest

from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server that ends with the session."""
    run = RunFolder.make()
    child, address = start_postgres(run)
    yield address
    child.stop()
    run.end()


@pytest.fixture
def database(server):
    """The address of an empty database."""
    name = f"test_{next(_numbers)}"
    server.create_database(name, template="template0")
    yield server.dsn(name)
    server.drop_database(name)


@pytest.fixture
def connection(database):
    """A psycopg2 connection to an empty database."""
    with contextlib.closing(psycopg2.connect(database)) as opened:
        yield opened


@pytest.fixture
def rows(database):
    """Return a function that asks a question on a connection of its own."""
    with contextlib.closing(psycopg2.connect(database)) as opened:
        opened.autocommit = True

        def ask(sql, parameters=None):
            with opened.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else None

        yield ask
