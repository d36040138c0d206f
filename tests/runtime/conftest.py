"""One PostgreSQL server for the tests of the data path, and a fresh database for each test."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path

import psycopg2
import pytest

from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

_EMPTY = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid();
do $$ declare name text; begin
    for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
    loop
        execute format('drop schema %I cascade', name);
    end loop;
    create schema public;
end $$
"""


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server that ends with the session."""
    run = RunFolder.make()
    child, address = start_postgres(run)
    yield address
    child.stop()
    run.end()


@pytest.fixture(scope="session")
def session_database(server):
    """The address of a database that the tests share, one after the other."""
    server.create_database("shared", template="template0")
    return server.dsn("shared")


@pytest.fixture
def database(session_database):
    """The address of an empty database."""
    yield session_database
    with contextlib.closing(psycopg2.connect(session_database)) as opened:
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute(_EMPTY)


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


def _beside(name):
    """Load a module that stands beside this one; it is no test, and on no path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_relay = _beside("relay")


@pytest.fixture
def relayed(database):
    """Return a function that puts a relay before the database, and may say where it cuts the line."""
    with contextlib.ExitStack() as stack:

        def start(text=b"", verdict=None, nth=1, **settings):
            if verdict is not None:
                settings["judge"] = _relay.at(text, verdict, nth)
            return stack.enter_context(_relay.Relay(database, **settings))

        yield start
