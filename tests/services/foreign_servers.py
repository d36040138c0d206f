"""Servers that somebody else runs, for the tests of what a run does there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_resilience.services.libpq_url import libpq_url
from pytest_resilience.services.mlflow import MlflowAddress, start_mlflow
from pytest_resilience.services.postgres import PostgresAddress, start_postgres
from pytest_resilience.services.run_folder import RunFolder

PASSWORD = "pass/wörd?#"


@dataclass(frozen=True, slots=True)
class ForeignPostgres:
    """A server, and what somebody gave us: a role that may make databases, and one database to be in.

    Args:
        administrator: who may do everything there; not ours to be.
    """

    administrator: PostgresAddress

    @property
    def dsn(self) -> str:
        """The address that we were given."""
        return self.dsn_of("chaos")

    def dsn_of(self, role: str, *, password: str = PASSWORD, database: str = "chaos") -> str:
        """Return the address of a role."""
        return libpq_url(
            "postgresql",
            user=role,
            password=password,
            host=self.administrator.host,
            port=self.administrator.port,
            database=database,
        )

    def run(self, *statements: str, database: str | None = None) -> None:
        """Do something there that is not ours."""
        with self.administrator.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def databases(self) -> set[str]:
        """Return what is there beside what every server has."""
        with self.administrator.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select datname from pg_database")
            return {name for (name,) in cursor.fetchall()} - {"postgres", "chaos", "template0", "template1"}


@contextmanager
def foreign_postgres_server() -> Iterator[ForeignPostgres]:
    """Start somebody else's PostgreSQL server."""
    run = RunFolder.make()
    try:
        server = ForeignPostgres(start_postgres(run, loopback=True)[1])
        server.run(
            f"create role chaos login createdb password '{PASSWORD}'",
            f"create role modest login password '{PASSWORD}'",
            "create database chaos owner chaos",
        )
        yield server
    finally:
        run.end()


@contextmanager
def foreign_mlflow_server() -> Iterator[MlflowAddress]:
    """Start somebody else's MLflow server."""
    run = RunFolder.make()
    try:
        yield start_mlflow(run)[1]
    finally:
        run.end()
