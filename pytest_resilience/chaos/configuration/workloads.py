"""The workloads that a configuration declares."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pytest_resilience.chaos.configuration.functions import named_function
from pytest_resilience.chaos.configuration.inside import named_path
from pytest_resilience.chaos.configuration.model import (
    Atomic,
    Drive,
    ExactlyOnce,
    Resume,
    ServiceDeclaration,
    Start,
    WorkloadDeclaration,
    WorkloadShape,
)
from pytest_resilience.chaos.configuration.placeholders import OF_COMMAND, OF_HEADERS, OF_STEP, placeholders
from pytest_resilience.chaos.configuration.promises import Kinds, is_service, read_atomic, read_exactly_once
from pytest_resilience.chaos.configuration.services import KINDS
from pytest_resilience.chaos.configuration.shapes import COLUMN, FUNCTION, HEADER, NAME, REQUEST
from pytest_resilience.chaos.configuration.table import Table
from pytest_resilience.chaos.configuration.templates import command, environment

KEYS = (
    *("command", "function", "uses", "env", "resume", "deadline", "start", "major_operation", "rollback"),
    *("snapshot", "mask", "exactly_once", "atomic", "ready", "drive", "calls", "every"),
)
"""Every key of a workload."""

DRIVE_KEYS = ("request", "body", "headers", "every")
"""Every key of `drive`."""

_OF_FUNCTIONS = "only a function is called again and again; this is a command"
_OF_SERVERS = "only a server answers requests; a function is called by us"
_USELESS: Mapping[WorkloadShape, Mapping[str, str]] = {
    "job": {"calls": _OF_FUNCTIONS, "every": _OF_FUNCTIONS},
    "server": {"calls": _OF_FUNCTIONS, "every": f"{_OF_FUNCTIONS} (the pace of requests is drive.every)"},
    "function": {"ready": _OF_SERVERS, "drive": _OF_SERVERS},
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a workload's declaration refers to.

    Args:
        folder: the configuration's.
        kinds: of the declared services.
        services: those that are declared well.
    """

    folder: Path
    kinds: Kinds
    services: Mapping[str, ServiceDeclaration]


def read_workloads(table: Table, surroundings: Surroundings) -> dict[str, WorkloadDeclaration]:
    """Return the workloads."""
    return {
        name: _read_workload(table, name, surroundings)
        for name, value in table.values.items()
        if _is_workload(table, name, value, surroundings)
    }


def _is_workload(table: Table, name: str, value: object, surroundings: Surroundings) -> bool:
    NAME.check(table, name, name)
    if name in surroundings.kinds:
        table.complain(f"{name!r} is a service and a workload: scenarios call both by name, rename one", name)
    table.table(name)  # complains of what is no table
    return isinstance(value, dict)


def _read_workload(workloads: Table, name: str, around: Surroundings) -> WorkloadDeclaration:
    table = workloads.table(name)
    table.only(KEYS)
    shape = _shape(table)
    for key, reason in _USELESS[shape].items():
        table.useless(key, reason)
    started = command(table, "command", OF_COMMAND)
    env = environment(table, OF_STEP if shape == "function" else OF_COMMAND)
    _check_port(table, shape, (*started, *env.values()))
    return WorkloadDeclaration(
        name=name,
        shape=shape,
        command=started,
        function=named_function(table, around.folder),
        uses=_uses(table, around),
        env=env,
        resume=table.choice("resume", get_args(Resume), "none"),
        deadline=table.duration("deadline", None) or 60.0,
        start=table.choice("start", get_args(Start), "plain"),
        major_operation=table.flag("major_operation"),
        rollback=_rollback(table, around.folder),
        snapshot=_snapshot(table, around),
        mask=tuple(mask for index, mask in table.texts("mask") if COLUMN.check(table, mask, "mask", index)),
        exactly_once=_exactly_once(table, around),
        atomic=_atomic(table, around),
        ready=_request(table, "ready"),
        drive=_drive(table, around.folder),
        calls=table.count("calls"),
        every=table.duration("every", None, zero=True) or 0.0,
    )


def _shape(table: Table) -> WorkloadShape:
    """Tell the shape from the keys, and complain where they say two things, or nothing."""
    if "command" in table and "function" in table:
        table.complain(f"{table.name} has a command and a function: one of them", "function")
    if "command" not in table and "function" not in table:
        table.complain(
            f'{table.name} needs command = ["{{python}}", ...], or function = "package.module:name"'
        )
    if "function" in table and "command" not in table:
        return "function"
    return "server" if "ready" in table or "drive" in table or _mentions_port(table) else "job"


def _mentions_port(table: Table) -> bool:
    env = table.values.get("env")
    written = [table.values.get("command"), *(env.values() if isinstance(env, dict) else ())]
    return any("{port}" in str(each) for each in written)


def _check_port(table: Table, shape: WorkloadShape, templates: tuple[str, ...]) -> None:
    if shape == "server" and "command" in table and not any(_has_port(each) for each in templates):
        key = "ready" if "ready" in table else "drive"
        table.complain(
            f"{table.label(key)} is for a server, and nothing tells {table.name} its port: write {{port}} in its "
            "command, or in its env",
            key,
        )


def _has_port(template: str) -> bool:
    try:
        return "port" in placeholders(template)
    except ValueError:  # complained of already
        return True


def _rollback(table: Table, folder: Path) -> tuple[str, ...] | str | None:
    written = table.values.get("rollback")
    if isinstance(written, str) and FUNCTION.fits(written):
        return named_function(table, folder, "rollback")
    return command(table, "rollback", OF_STEP) or None


def _uses(table: Table, around: Surroundings) -> tuple[str, ...]:
    uses = tuple(
        name
        for index, name in table.texts("uses")
        if is_service(table, name, around.kinds, KINDS, "uses", index)
    )
    for name, count in Counter(uses).items():
        if count > 1:
            table.complain(f"{table.label('uses')} names {name!r} {count} times: once is enough", "uses")
    setters: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(uses):
        for variable in around.services[name].env if name in around.services else ():
            setters[variable].append(name)
    for variable, names in setters.items():
        if len(names) > 1:
            both = " and ".join(names)
            table.complain(
                f"{table.label('uses')}: {both} both set {variable}: a process has it once", "uses"
            )
    return uses


def _snapshot(table: Table, around: Surroundings) -> tuple[str, ...]:
    return tuple(
        name
        for index, name in table.texts("snapshot")
        if is_service(table, name, around.kinds, ("postgres", "mlflow"), "snapshot", index)
    )


def _exactly_once(table: Table, around: Surroundings) -> tuple[ExactlyOnce, ...]:
    found = (read_exactly_once(each, around.kinds, around.folder) for each in table.tables("exactly_once"))
    return tuple(promise for promise in found if promise is not None)


def _atomic(table: Table, around: Surroundings) -> tuple[Atomic, ...]:
    found = (read_atomic(each, around.kinds) for each in table.tables("atomic"))
    return tuple(promise for promise in found if promise is not None)


def _request(table: Table, key: str) -> str | None:
    request = table.text(key)
    if request is not None:
        REQUEST.check(table, request, key)
    return request


def _drive(outer: Table, folder: Path) -> Drive | None:
    table = outer.table("drive")
    table.only(DRIVE_KEYS)
    if not isinstance(outer.values.get("drive"), dict):
        return None
    request = table.needed("request", '"POST /predict"')
    if request is not None:
        REQUEST.check(table, request, "request")
    body = table.text("body")
    if body is not None:
        named_path(table, folder, body, "file", "body")
    return Drive(
        request=request or "",
        body=body,
        headers=_headers(table),
        every=table.duration("every", None) or 0.1,
    )


def _headers(drive: Table) -> dict[str, str]:
    found = environment(drive, OF_HEADERS, key="headers", names=HEADER)
    for name, value in found.items():
        if not value.isprintable() or not value.isascii():
            drive.complain(f"{drive.label('headers')}.{name} has to be one line of ASCII", "headers", name)
    return found
