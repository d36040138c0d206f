"""Servers that somebody else runs, at given addresses: what we make there is recognisable, and all that we remove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.foreign_mlflow import (
    foreign_mlflow,
    shown,
    what_else_is_in_registry,
)
from pytest_resilience.services.foreign_postgres import (
    begin_in,
    foreign_postgres,
    place,
    plan_in,
    what_else_is_in,
)
from pytest_resilience.services.fresh_mlflow import FreshMlflow, KnownState
from pytest_resilience.services.mlflow import MlflowAddress
from pytest_resilience.services.postgres import PostgresAddress
from pytest_resilience.services.production import check_not_production
from pytest_resilience.services.registry_of_run import begin_in_registry, plan_in_registry
from pytest_resilience.services.run_folder import RunFolder

POSTGRES_VARIABLE = "RESILIENCE_POSTGRES_DSN"
MLFLOW_VARIABLE = "RESILIENCE_MLFLOW_URL"
TOLD = 5
"""How many things a message names."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What keeps a run away from servers that it must not touch.

    Args:
        production, not_production: hosts, see `check_not_production`.
        allow_shared: a server may hold what is not ours.
    """

    production: Sequence[str] = ()
    not_production: Sequence[str] = ()
    allow_shared: bool = False

    def check_place(self, what: str, host: str, *names: str) -> None:
        """Refuse an address before anybody connects to it.

        Raises:
            HarnessError: it is production, or looks like it.
        """
        check_not_production(
            what, host, names=names, production=self.production, not_production=self.not_production
        )

    def check_alone(self, what: str, others: Sequence[str]) -> None:
        """Refuse a server that holds anything else.

        Raises:
            HarnessError: it does, and was not said to be shared.
        """
        if not others or self.allow_shared:
            return
        more = f" and {len(others) - TOLD} more" if len(others) > TOLD else ""
        raise HarnessError(
            f"{what} holds what is not ours: {', '.join(others[:TOLD])}{more}. Nothing was done there; give a server "
            "that holds nothing, or say that this one may be shared: allow_shared = true in [tool.resilience] or "
            "resilience.toml"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalBackend:
    """The servers at given addresses; each is none where no address was given."""

    run: RunFolder
    given_postgres: PostgresAddress | None
    given_mlflow: MlflowAddress | None
    shares_registry: bool = True
    why_no_drills: str = (
        "drills never run under --chaos-backend=external: their steps might change what is not ours"
    )

    @classmethod
    def find(cls, run: RunFolder, guard: Guard, *, dsn: str | None, url: str | None) -> ExternalBackend:
        """See that the servers can be used, and may be; nothing is made there yet.

        Args:
            run: the run that uses them.
            guard: what is refused.
            dsn: of PostgreSQL, as libpq takes it; none where there is none.
            url: of MLflow, as its clients take it; none where there is none.

        Raises:
            HarnessError: one of them cannot be used, is refused, or none was given.
        """
        if dsn is None and url is None:
            raise HarnessError(
                f"--chaos-backend=external needs addresses: set {POSTGRES_VARIABLE} and {MLFLOW_VARIABLE}, or "
                "`external` in [tool.resilience] or resilience.toml"
            )
        return cls(
            run=run,
            given_postgres=None if dsn is None else foreign_postgres(dsn, check_place=guard.check_place),
            given_mlflow=None if url is None else foreign_mlflow(url, check_place=guard.check_place),
        )

    def check_alone(self, guard: Guard) -> None:
        """Refuse servers that hold anything else, before the run makes something there.

        Raises:
            HarnessError: one does.
        """
        if self.given_postgres is not None:
            what = f"the PostgreSQL server at {place(self.given_postgres)}"
            guard.check_alone(what, what_else_is_in(self.given_postgres))
        if self.given_mlflow is not None:
            what = f"the MLflow server at {shown(self.given_mlflow.url)}"
            guard.check_alone(what, what_else_is_in_registry(self.given_mlflow.url))

    @property
    def titles(self) -> tuple[str, ...]:
        """Each server with its version."""
        postgres = "none" if self.given_postgres is None else self.given_postgres.version
        mlflow = "none" if self.given_mlflow is None else self.given_mlflow.version
        return f"PostgreSQL external {postgres}", f"MLflow external {mlflow}"

    @property
    def plans(self) -> tuple[str, ...]:
        """What the run will make and remove there."""
        told = []
        if self.given_postgres is not None:
            who = f"PostgreSQL at {place(self.given_postgres)}, as {self.given_postgres.user}"
            told.append(plan_in(self.run, who))
        if self.given_mlflow is not None:
            told.append(plan_in_registry(self.run, f"MLflow at {shown(self.given_mlflow.url)}"))
        return tuple(told)

    def postgres(self, run: RunFolder, *, loopback: bool) -> PostgresAddress:
        """Begin to make databases of our own in the given server."""
        if self.given_postgres is None:
            raise HarnessError(
                f"no address of a PostgreSQL server was given: set {POSTGRES_VARIABLE}, or `external` in "
                "[tool.resilience] or resilience.toml"
            )
        if loopback and self.given_postgres.host.startswith("/"):
            raise HarnessError(
                f"Toxiproxy cannot reach the PostgreSQL server at {place(self.given_postgres)}, a Unix socket: give "
                "its host and port, or leave --chaos-toxiproxy away"
            )
        return begin_in(run, self.given_postgres)

    def mlflow(self, run: RunFolder) -> MlflowAddress:
        """Begin to use the given server."""
        if self.given_mlflow is None:
            raise HarnessError(
                f"no address of an MLflow server was given: set {MLFLOW_VARIABLE}, or `external` in "
                "[tool.resilience] or resilience.toml"
            )
        return begin_in_registry(run, self.given_mlflow)

    def fresh_mlflow(self, known: KnownState, prepare: Callable[[MlflowAddress], None]) -> FreshMlflow:  # noqa: ARG002 - there is none
        """Refuse: a registry that is not ours cannot be put back as it was."""
        raise HarnessError(
            "runs on an MLflow registry begin in a known state, which takes a server that we may stop and put back: "
            "under --chaos-backend=external there is none, run them with embedded or docker"
        )
