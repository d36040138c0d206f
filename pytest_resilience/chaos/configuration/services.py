"""The services that a configuration declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from pytest_resilience.chaos.configuration.inside import is_there, named_path
from pytest_resilience.chaos.configuration.model import ServiceDeclaration, ServiceKind
from pytest_resilience.chaos.configuration.placeholders import (
    OF_COMMAND,
    OF_SERVICE,
    OF_STEP,
    placeholders,
    words,
)
from pytest_resilience.chaos.configuration.shapes import DIALECT, HOST_PORT, HTTP_URL, NAME
from pytest_resilience.chaos.configuration.table import Table
from pytest_resilience.chaos.configuration.templates import command_text, environment
from pytest_resilience.chaos.nearest import nearest

KINDS: tuple[ServiceKind, ...] = get_args(ServiceKind)

KEYS = ("kind", "env", "dialect", "init", "component", "upstream", "tls")
"""Every key of a service."""

_USELESS: Mapping[ServiceKind, Mapping[str, str]] = {
    "postgres": {
        "upstream": "a postgres service is started here; where it is elsewhere, say so under `external`",
        "tls": "tls is for services of kind http",
    },
    "mlflow": {
        "upstream": "an mlflow service is started here; where it is elsewhere, say so under `external`",
        "tls": "tls is for services of kind http",
        "dialect": "it is the scheme of {dsn}, which only postgres services have",
    },
    "http": {
        "dialect": "it is the scheme of {dsn}, which only postgres services have",
        "init": "an http service begins as its `upstream` does, which is started again for each run",
    },
    "tcp": {
        "dialect": "it is the scheme of {dsn}, which only postgres services have",
        "init": "a tcp service begins as its `upstream` does, which is started again for each run",
        "tls": "tls is for services of kind http; a tcp service passes bytes on as they are",
    },
}


def read_services(table: Table, folder: Path) -> dict[str, ServiceDeclaration]:
    """Return the services that are declared well enough to have a kind."""
    found = (_read_service(table, name, folder) for name in table.values)
    return {service.name: service for service in found if service is not None}


def is_sql_file(step: str, folder: Path) -> bool:
    """Return whether a step of `init` is an SQL file; else it is a command."""
    if not step.lower().endswith(".sql"):
        return False
    return len(step.split()) == 1 or is_there(folder / step, "file")


def _read_service(services: Table, name: str, folder: Path) -> ServiceDeclaration | None:
    NAME.check(services, name, name)
    table = services.table(name)
    table.only(KEYS)
    kind = _kind(table) if isinstance(services.values[name], dict) else None
    if kind is None:
        return None
    for key, reason in _USELESS[kind].items():
        table.useless(key, reason)
    return ServiceDeclaration(
        name=name,
        kind=kind,
        env=environment(table, OF_SERVICE[kind]),
        dialect=_dialect(table),
        init=_init(table, kind, folder),
        component=table.text("component") or name,
        upstream=_upstream(table, kind),
        tls=table.flag("tls"),
    )


def _kind(table: Table) -> ServiceKind | None:
    written = table.needed("kind", '"postgres"')
    kind = next((kind for kind in KINDS if kind == written), None)
    if written is not None and kind is None:
        table.complain(f"{table.label('kind')} is {written!r}: {nearest(written, KINDS)}", "kind")
    return kind


def _dialect(table: Table) -> str:
    dialect = table.text("dialect")
    fits = dialect is not None and DIALECT.check(table, dialect, "dialect")
    return dialect if dialect is not None and fits else "postgresql"


def _init(table: Table, kind: ServiceKind, folder: Path) -> tuple[str, ...]:
    if "init" in _USELESS[kind]:
        return ()
    steps = tuple(table.texts("init"))
    for index, step in steps:
        if not is_sql_file(step, folder):
            command_text(table, step, OF_STEP, "init", index)
        elif kind == "postgres":
            named_path(table, folder, step, "file", "init", index)
        else:
            table.complain(f"{table.label('init')} names {step!r}, and {kind} takes no SQL", "init", index)
    return tuple(step for _, step in steps)


def _upstream(table: Table, kind: ServiceKind) -> str | None:
    if kind in {"postgres", "mlflow"}:
        return None
    address = HTTP_URL if kind == "http" else HOST_PORT
    example = '"https://..."' if kind == "http" else '"localhost:6379"'
    upstream = table.needed(
        "upstream", f'"{{python}} -m your_stub --port {{port}}"` or `upstream = {example}'
    )
    if upstream is None or address.fits(upstream):
        return upstream
    if "://" in upstream.split(maxsplit=1)[0]:
        table.complain(f"{table.label('upstream')}: {address.meant}, or a command that serves", "upstream")
    else:
        _serving_command(table, upstream)
    return upstream


def _serving_command(table: Table, upstream: str) -> None:
    if command_text(table, upstream, OF_COMMAND, "upstream") and not _has_port(upstream):
        table.complain(
            f"{table.label('upstream')} is a command without {{port}}: it has to listen on the port that it is given",
            "upstream",
        )


def _has_port(upstream: str) -> bool:
    try:
        return any("port" in placeholders(word) for word in words(upstream))
    except ValueError:  # complained of already
        return True
