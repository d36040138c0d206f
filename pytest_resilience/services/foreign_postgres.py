"""A PostgreSQL server that is not ours: how to come in, what it holds, and databases of our own in it."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, TypeAlias

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.own_keeper import keep
from pytest_resilience.services.own_names import is_left_behind, is_ours, own_names
from pytest_resilience.services.postgres import PostgresAddress, owned_databases, quoted
from pytest_resilience.services.run_folder import RunFolder

OLDEST = 130000
"""The version that can drop a database with its connections (PostgreSQL 13, `drop database ... with (force)`)."""
CONNECT_TIMEOUT = 10
ELSEWHERE = ("hostaddr", "service")
"""Parameters of libpq that lead to another host than `host` says (PostgreSQL documentation, 32.1.2)."""
CheckPlace: TypeAlias = Callable[..., None]
"""Takes what it is, its host, and other names of it."""
_DIALECT = re.compile(r"^(postgres(?:ql)?)\+\w+://")
_TABLES = """
    select n.nspname || '.' || c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    order by 1
"""


def foreign_postgres(dsn: str, *, check_place: CheckPlace = lambda *_: None) -> PostgresAddress:
    """Log in to a server, and return where it is and who we are there.

    Args:
        dsn: an address as libpq takes it, of a database to be in while others are made.
        check_place: refuses an address before anybody connects to it.

    Raises:
        HarnessError: it makes no sense, nobody answers, or the role may not make databases; no password is shown.
    """
    given = _parsed(dsn)
    address = PostgresAddress(
        host=given.pop("host"),
        port=_port(given.pop("port", None) or "5432"),
        user=given.pop("user", None) or os.environ.get("PGUSER") or getpass.getuser(),
        password=given.pop("password", ""),
        version="",
        log="",
        maintenance=given.pop("dbname", None) or "postgres",
        empty="template0",
        parameters=given,
    )
    check_place("the PostgreSQL server", address.host, address.maintenance)
    return _known(address)


def _parsed(dsn: str) -> dict[str, Any]:
    import psycopg2
    from psycopg2.extensions import parse_dsn

    try:
        given: dict[str, Any] = parse_dsn(_DIALECT.sub(r"\1://", dsn))
    except psycopg2.ProgrammingError:
        given = {}  # libpq's own words would show the address, and a password with it
    if not given.get("host") or "," in given["host"]:
        raise HarnessError(
            "the address of the PostgreSQL server is none of one host, such as "
            "postgresql://chaos@staging-db/chaos: see RESILIENCE_POSTGRES_DSN, or `external` in the configuration"
        )
    elsewhere = [name for name in ELSEWHERE if given.get(name) or os.environ.get(f"PG{name.upper()}")]
    if elsewhere:
        raise HarnessError(
            f"the address of the PostgreSQL server leads elsewhere by {elsewhere[0]} (or PG{elsewhere[0].upper()}): "
            "write the host itself, and unset the variable"
        )
    return given


def _port(given: str) -> int:
    if not given.isdecimal():
        raise HarnessError("the address of the PostgreSQL server has a port that is no number")
    return int(given)


def _known(address: PostgresAddress) -> PostgresAddress:
    import psycopg2

    try:
        opened = psycopg2.connect(address.dsn(), connect_timeout=CONNECT_TIMEOUT)
    except psycopg2.OperationalError as error:
        raise HarnessError(f"the PostgreSQL server at {place(address)} cannot be used: {error}") from error
    with contextlib.closing(opened) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select rolcreatedb or rolsuper, (select ssl from pg_stat_ssl where pid = pg_backend_pid()) "
            "from pg_roles where rolname = current_user"
        )
        ((may_create, tls),) = cursor.fetchall()
        if connection.server_version < OLDEST:
            raise HarnessError(
                f"the PostgreSQL server at {place(address)} is of version {connection.server_version // 10000}: "
                "databases can be dropped with their connections from 13 on"
            )
        if not may_create:
            raise HarnessError(
                f"the role {address.user} of the PostgreSQL server at {place(address)} may not make databases of "
                f"its own: `alter role {quoted(address.user)} createdb` lets it"
            )
        version = str(connection.get_parameter_status("server_version")).split(maxsplit=1)[0]
        # psycopg2 decodes what libpq used by the encoding of the database, in which it need not be
        password = address.password or connection.info.password or ""
        return replace(address, version=version, tls=bool(tls), password=password)


def place(address: PostgresAddress) -> str:
    """Return where a server is, for messages."""
    return address.upstream


def what_else_is_in(address: PostgresAddress) -> list[str]:
    """Return what a server holds that no run of ours has made: databases, and tables in those of the start."""
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select datname from pg_database where datname !~ '^template[01]$' order by datname")
        names = [str(name) for (name,) in cursor.fetchall() if not is_ours(str(name))]
    looked_into = [name for name in names if name in {address.maintenance, "postgres"}]
    others = [f"database {name}" for name in names if name not in looked_into]
    return others + [found for name in looked_into for found in _tables_in(address, name)]


def _tables_in(address: PostgresAddress, database: str) -> list[str]:
    import psycopg2

    try:
        with address.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(_TABLES)
            return [f"table {name} in {database}" for (name,) in cursor.fetchall()]
    except psycopg2.OperationalError:
        return [f"database {database}, which {address.user} cannot look into"]


def plan_in(run: RunFolder, server: str) -> str:
    """Say what the run will make and drop in a server.

    Args:
        run: the run.
        server: what it is called.
    """
    return (
        f"{server}: makes databases {own_names(run).database}* and drops them at the end, with those of that role that "
        "a killed run has left there a day ago or earlier; nothing else is touched"
    )


def begin_in(run: RunFolder, address: PostgresAddress) -> PostgresAddress:
    """See to it that what the run makes in a server goes with the run, and drop what killed runs have left there.

    Args:
        run: the folder and the owner.
        address: as `foreign_postgres` returned it.
    """
    ours = replace(address, prefix=own_names(run).database)
    keep(run, "postgres", asdict(ours))
    drop_left_behind(address)
    return ours


def drop_left_behind(address: PostgresAddress) -> list[str]:
    """Drop our role's databases that a run has left behind a day ago or earlier, unless somebody is connected."""
    import psycopg2

    now, dropped = SYSTEM_CLOCK.time(), []
    with address.connect() as connection, connection.cursor() as cursor:
        for name in owned_databases(address):
            if is_left_behind(name, now=now):
                with contextlib.suppress(psycopg2.errors.ObjectInUse, psycopg2.errors.InvalidCatalogName):
                    cursor.execute(f"drop database {quoted(name)}")
                    dropped.append(name)
    return dropped
