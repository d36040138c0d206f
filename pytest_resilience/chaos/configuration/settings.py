"""The keys at the top of a configuration, and the whole of it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pytest_resilience.chaos.configuration.alerts import read_alerts
from pytest_resilience.chaos.configuration.external import read_external
from pytest_resilience.chaos.configuration.inside import Thing, inside, is_there, named_path
from pytest_resilience.chaos.configuration.model import Boundary, Configuration
from pytest_resilience.chaos.configuration.packages import locate, similar
from pytest_resilience.chaos.configuration.placeholders import OF_CANARIES, mistakes, placeholders
from pytest_resilience.chaos.configuration.promises import Kinds
from pytest_resilience.chaos.configuration.services import read_services
from pytest_resilience.chaos.configuration.table import Table
from pytest_resilience.chaos.configuration.templates import environment
from pytest_resilience.chaos.configuration.workloads import Surroundings, read_workloads

KEYS = (
    *("packages", "scenarios", "runbooks", "drills", "waivers", "time_scale", "logs", "boundary", "canaries"),
    *("services", "alerts", "workloads", "copy", "link"),
    *("allow_shared", "production", "not_production", "external"),
)
"""Every key at the top."""

SCENARIOS, RUNBOOKS, WAIVERS = "scenarios", "runbooks", "resilience-waivers.toml"
"""What is looked for where the configuration names nothing."""


def default_configuration(folder: Path) -> Configuration:
    """Return what holds where nothing is declared."""
    runbooks, waivers = folder / RUNBOOKS, folder / WAIVERS
    return Configuration(
        folder=folder,
        scenarios=folder / SCENARIOS,
        runbooks=runbooks if runbooks.is_dir() else None,
        waivers=waivers if waivers.is_file() else None,
    )


def read_settings(table: Table, folder: Path) -> Configuration:
    """Return the configuration; what is wrong is noted in the table's complaints."""
    table.only(KEYS)
    default = default_configuration(folder)
    declared = table.table("services")
    services = read_services(declared, folder)
    kinds: Kinds = {name: services[name].kind if name in services else None for name in declared.values}
    return Configuration(
        folder=folder,
        file=table.complaints.file,
        packages=_packages(table, folder),
        scenarios=_path(table, "scenarios", "folder", folder) or default.scenarios,
        runbooks=_path(table, "runbooks", "folder", folder) or default.runbooks,
        waivers=_path(table, "waivers", "file", folder) or default.waivers,
        drills=table.flag("drills"),
        time_scale=table.factor("time_scale", 1.0),
        logs=_logs(table, folder),
        boundary=table.choice("boundary", get_args(Boundary), "application"),
        canaries=_canaries(table),
        services=services,
        workloads=read_workloads(table.table("workloads"), Surroundings(folder, kinds, services)),
        alerts=read_alerts(table),
        copy=_paths(table, "copy", "file or folder", folder),
        link=_paths(table, "link", "folder", folder),
        allow_shared=table.flag("allow_shared"),
        production=table.tuple_of_texts("production"),
        not_production=table.tuple_of_texts("not_production"),
        external=read_external(table, kinds),
    )


def _path(table: Table, key: str, thing: Thing, folder: Path) -> Path | None:
    path = table.text(key)
    return None if path is None else named_path(table, folder, path, thing, key)


def _paths(table: Table, key: str, thing: Thing, folder: Path) -> tuple[str, ...]:
    paths = tuple(table.texts(key))
    for index, path in paths:
        named_path(table, folder, path, thing, key, index)
    return tuple(path for _, path in paths)


def _packages(table: Table, folder: Path) -> tuple[str, ...]:
    packages = tuple(table.texts("packages"))
    for index, package in packages:
        if locate(package, folder) is None:
            table.complain(
                f"packages names {package!r}: no package or module of that name below {folder}, and none to "
                f"import{similar(package, folder)}",
                "packages",
                index,
            )
    return tuple(package for _, package in packages)


def _logs(table: Table, folder: Path) -> str:
    logs = table.text("logs") or "stderr"
    file = inside(folder, logs)
    if file is not None and is_there(file, "folder"):
        table.complain(f"logs names {logs!r}, which is a folder: name the file in it", "logs")
    if file is None:
        table.complain(
            f"logs names {logs!r}: a path relative to the working folder, inside of it, so that runs do not share it",
            "logs",
        )
    return logs


def _canaries(outer: Table) -> dict[str, str]:
    table = outer.table("canaries")
    table.only(("env",))
    canaries = environment(table, OF_CANARIES)
    for name, template in canaries.items():
        if not mistakes(template, OF_CANARIES) and not placeholders(template):
            table.complain(
                f"canaries.env.{name} has no {{canary}} in it: nothing would be planted", "env", name
            )
    return canaries
