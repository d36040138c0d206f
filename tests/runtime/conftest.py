"""One PostgreSQL server for the tests of the data path, and a fresh database for each test."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading

import psycopg2
import pytest

from pytest_resilience.chaos.points.of_postgres import postgres_points
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.run.arming.held import HeldMessages
from pytest_resilience.chaos.run.arming.order import engine_when
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.traffic import Traffic
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.services.engine import EngineClient
from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

SHARED = "shared"
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
    server.create_database(SHARED, template="template0")
    return server.dsn(SHARED)


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


@pytest.fixture
def proxied(pool, server, database):
    """The database behind the project's own fault engine: `.dsn`, and its faults as methods."""
    address = pool.engine()
    engine = EngineClient(address.host, address.port)
    service = ProxiedService.begin("database", server.upstream, engine=engine, protocol="postgres")
    yield PostgresHandle(service, address=server, database=SHARED)
    service.end()


@pytest.fixture
def held(proxied):
    """Hold a message, act, and say what becomes of it: `held(act, sql="copy", nth=2)`."""
    watching = HeldMessages(proxied.proxied.engine)

    def hold(act, **when):
        return watching.hold(proxied.proxied.proxy, when, act)

    yield hold
    watching.close()
    assert watching.errors == []


@pytest.fixture
def points(proxied):
    """Return a function that returns the fault points of all that came by the proxy until now, in order."""

    def seen():
        clock = RunClock.beside(proxied.proxied.engine.started())
        return list(postgres_points("database", Traffic({"database": proxied.proxied}, clock).messages()))

    return seen


@pytest.fixture
def killed_at(proxied, held):
    """Return a function that runs work in a process that is killed at a fault point, and returns its exit code."""
    children = multiprocessing.get_context("forkserver")
    children.set_forkserver_preload(["psycopg2", "pytest_resilience.runtime.ingestion.ingest"])

    def run(point, decision, work, *arguments):
        started, ended = threading.Event(), threading.Event()

        def kill(_receipt):
            started.wait()
            os.kill(child.pid, signal.SIGKILL)
            ended.wait()
            return decision

        fault = held(kill, **engine_when(point.when))
        child = children.Process(target=work, args=arguments)
        child.start()
        started.set()
        child.join()
        ended.set()
        proxied.proxied.heal_fault(fault)
        return child.exitcode

    return run
