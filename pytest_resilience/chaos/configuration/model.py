"""The configuration as data: what stands in `[tool.resilience]`, checked, with every default written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

ServiceKind: TypeAlias = Literal["postgres", "mlflow", "http", "tcp"]
WorkloadShape: TypeAlias = Literal["job", "server", "function"]
Resume: TypeAlias = Literal["rerun", "none"]
Start: TypeAlias = Literal["plain", "prepared"]
Boundary: TypeAlias = Literal["application", "library"]

MOST_RESTARTS = 3
"""How often a workload with `resume = "rerun"` is started again in one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDeclaration:
    """A real thing that workloads depend on.

    Args:
        name: how scenarios and workloads call it.
        kind: what it speaks.
        env: environment variables that tell a workload where it is; `{dsn}`, `{url}`, `{host}`, ... are filled in.
        dialect: the scheme of `{dsn}`.
        init: SQL files and commands that make its known state.
        component: its name in alerts; the service's own name where none is declared.
        upstream: the command that serves it, or a URL or `host:port` that is there already (http, tcp).
        tls: whether the workload speaks TLS to it.
    """

    name: str
    kind: ServiceKind
    env: Mapping[str, str] = field(default_factory=dict)
    dialect: str = "postgresql"
    init: tuple[str, ...] = ()
    component: str
    upstream: str | None = None
    tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactlyOnce:
    """A promise: each key of a file is once in a table, and no other key is.

    Args:
        service: the PostgreSQL service.
        table: the table, with its schema.
        key: the columns that make a row the one and only.
        rows: the CSV file whose keys are expected; without one, the keys of the undisturbed run.
    """

    service: str
    table: str
    key: tuple[str, ...]
    rows: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Atomic:
    """A statement that is true at every moment, whoever looks."""

    service: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """The requests that a server is driven with.

    Args:
        request: method and path.
        body: the file whose content is sent; none sends no body.
        headers: sent with each; `{uuid}` in a value is another one in each request.
        every: seconds from one request to the next.
        one_by_one: the next one waits for the answer to the one before; not to be declared.
    """

    request: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    every: float = 0.1
    one_by_one: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadDeclaration:
    """Code under test, as it is started.

    Args:
        name: how scenarios call it.
        shape: a job runs to its end, a server is driven with requests, a function is called again and again.
        command: the command line of a job or a server; `{python}` and `{port}` are filled in.
        function: `module:name` of a function.
        uses: the services that it talks to.
        env: environment variables of its own.
        resume: `rerun`: after a crash or a failure the same command is started again, at most three times.
        deadline: seconds within which one start of it ends.
        start: `prepared` forks it from a process that has third-party modules loaded.
        major_operation: whether checkpoints are asked of it (item 4).
        rollback: the command, or the function, that undoes it (item 7).
        snapshot: services whose state a rollback has to restore.
        mask: columns that differ from run to run, `schema.table.column`.
        exactly_once, atomic: what holds of its tables.
        ready: the request that a server answers once it serves, for example `GET /health`.
        drive: the requests that a server is driven with.
        calls: how often a function is called in one run.
        every: seconds from one call to the next.
    """

    name: str
    shape: WorkloadShape
    command: tuple[str, ...] = ()
    function: str | None = None
    uses: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    resume: Resume = "none"
    deadline: float = 60.0
    start: Start = "plain"
    major_operation: bool = False
    rollback: tuple[str, ...] | str | None = None
    snapshot: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    exactly_once: tuple[ExactlyOnce, ...] = ()
    atomic: tuple[Atomic, ...] = ()
    ready: str | None = None
    drive: Drive | None = None
    calls: int = 1
    every: float = 0.0

    @property
    def restarts(self) -> int:
        """How often it is started again in one run."""
        return MOST_RESTARTS if self.resume == "rerun" else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A rule of a system that raises alerts from log lines, evaluated on the captured logs.

    Args:
        severity: what the alert is raised with.
        component: what it is about.
        level: the least level of the lines that count; any where none is given.
        matches: a regular expression that is searched in the line.
        count: how many such lines raise it.
        within: the seconds in which they come; any time where none is given.
    """

    severity: str
    component: str
    level: str | None = None
    matches: str | None = None
    count: int = 1
    within: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsDeclaration:
    """How the code under test alerts: through captured endpoints, or elsewhere by rules on its logs."""

    env: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[AlertRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that a team has declared.

    Args:
        folder: where relative paths start, the configuration file's folder.
        file: the configuration file; none where nothing was declared.
        packages: code that the static checks read.
        scenarios, runbooks, waivers: paths, absolute.
        drills: run the runbooks' tagged steps.
        time_scale: how much faster waits inside Python workloads run.
        logs: `stderr`, `stdout`, or the file (relative to the working folder) in which a workload's log lines are read.
        boundary: `library`: exceptions may cross the entry point.
        canaries: planted secrets, environment variable to template with `{canary}`.
        services, workloads: by name, in the order declared.
        alerts: how the code alerts; none where it was not declared.
        copy, link: what a working folder has beside what git tracks: copied, or linked where it is only read.
        allow_shared: external servers may hold what is not ours.
        production: addresses that external services must never have.
        not_production: addresses that external services may have, though they look like production.
        external: addresses of external services by name.
        why_no_drills: why the steps of runbooks are not run, whatever `drills` says; empty where they may be.
    """

    folder: Path
    file: Path | None = None
    packages: tuple[str, ...] = ()
    scenarios: Path
    runbooks: Path | None = None
    waivers: Path | None = None
    drills: bool = False
    time_scale: float = 1.0
    logs: str = "stderr"
    boundary: Boundary = "application"
    canaries: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, ServiceDeclaration] = field(default_factory=dict)
    workloads: Mapping[str, WorkloadDeclaration] = field(default_factory=dict)
    alerts: AlertsDeclaration | None = None
    copy: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    allow_shared: bool = False
    production: tuple[str, ...] = ()
    not_production: tuple[str, ...] = ()
    external: Mapping[str, str] = field(default_factory=dict)
    why_no_drills: str = ""
