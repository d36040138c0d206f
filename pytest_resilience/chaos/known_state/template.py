"""The template of a declared database: made once in a run by the steps of `init`, then copied for each sandbox."""

from __future__ import annotations

import re
import secrets

from pytest_resilience.chaos.configuration.model import ServiceDeclaration
from pytest_resilience.chaos.configuration.services import is_sql_file
from pytest_resilience.chaos.known_state.fresh_databases import FreshDatabases
from pytest_resilience.chaos.known_state.ground import Ground
from pytest_resilience.chaos.known_state.init import digest, run_command
from pytest_resilience.chaos.known_state.sql_file import InitError, run_sql_file
from pytest_resilience.chaos.known_state.values import filled_env
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.services.postgres import PostgresAddress

LONGEST_NAME = 24
"""PostgreSQL cuts identifiers off after 63 bytes (documentation, 4.1.1); a random end follows, and on a server that
is not ours the run's name stands before it."""


def new_database(ground: Ground, declaration: ServiceDeclaration) -> str:
    """Return the name of a new database in the declared state, which is the sandbox's alone and goes with it.

    Raises:
        InitError: a step of `init` failed.
    """
    address, template = ground.pool.postgres(), template_of(ground, declaration)

    def clone() -> str:
        name = f"{address.prefix}{_readable(declaration.name)}_{secrets.token_hex(6)}"
        address.create_database(name, template=template)
        return name

    shelf = ground.pool.shelf(f"databases {template}", lambda: FreshDatabases(clone, address.drop_database))
    name = shelf.take()
    ground.undo.callback(shelf.give_back, name)
    return name


def template_of(ground: Ground, declaration: ServiceDeclaration) -> str:
    """Return the name of the database to copy; the first in the run to ask for it makes it.

    Raises:
        InitError: a step failed, for whoever asks.
    """
    address = ground.pool.postgres()
    if not declaration.init:
        return address.empty
    name = f"{address.prefix}template_{digest(declaration, ground.folder)}"
    made = ground.pool.run.once(name, lambda: _make(ground, declaration, name))
    if "failed" in made:
        raise InitError(made["failed"])
    return name


def _make(ground: Ground, declaration: ServiceDeclaration, name: str) -> dict[str, str]:
    address = ground.pool.postgres()
    address.drop_database(name)  # left half-made by a process that was killed
    address.create_database(name)
    try:
        for step in declaration.init:
            if is_sql_file(step, ground.folder):
                run_sql_file(ground.folder / step, address, name)
            else:
                _run_command(ground, declaration, step, address, name)
    except InitError as error:
        address.drop_database(name)
        return {"failed": str(error)}
    address.close_database(name)
    return {"made": name}


def _run_command(
    ground: Ground, declaration: ServiceDeclaration, step: str, address: PostgresAddress, name: str
) -> None:
    """Run a command on the template, which it reaches by a port: not every client takes a Unix socket."""
    proxied = ProxiedService.begin(
        f"init-{declaration.name}",
        address.upstream,
        engine=ground.engine(),
        protocol="postgres" if address.tls else None,
        settings=address.proxy_settings,
    )
    try:
        handle = PostgresHandle(proxied, address, name, declaration.dialect)
        env = ground.shell | filled_env(declaration, handle)
        run_command(declaration, step, folder=ground.folder, env=env, run=ground.pool.run)
    finally:
        proxied.end()


def _readable(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:LONGEST_NAME]
