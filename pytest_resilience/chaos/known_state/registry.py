"""A declared MLflow server: the run's own that all share, or a fresh one for one sandbox at a time."""

from __future__ import annotations

from typing import Any

from pytest_resilience.chaos.configuration.model import ServiceDeclaration
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.known_state.begun import Begun, addresses_of
from pytest_resilience.chaos.known_state.client_settings import as_a_client_of
from pytest_resilience.chaos.known_state.ground import Ground
from pytest_resilience.chaos.known_state.init import digest, run_command
from pytest_resilience.chaos.known_state.sql_file import InitError
from pytest_resilience.chaos.known_state.values import filled_env
from pytest_resilience.chaos.mlflow_handle import MlflowHandle
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.services.fresh_mlflow import FreshMlflow, FreshMlflows, KnownState
from pytest_resilience.services.mlflow import OF_THE_RUN, MlflowAddress


def begin_mlflow(ground: Ground, declaration: ServiceDeclaration) -> Begun:
    """Begin to use an MLflow server.

    Raises:
        InitError: a step of `init` failed.
    """
    address = _fresh(ground, declaration) if ground.fresh_registry else _shared(ground, declaration)
    ground.note_log("MLflow", address.log)
    proxied = ground.proxied(declaration.name, address.upstream, protocol="http", settings=_settings(address))
    handle = MlflowHandle(proxied, address.url, prefix=ground.prefix)
    return Begun(
        handle=handle,
        addresses=addresses_of(address.host, address.port),
        env=filled_env(declaration, handle),
    )


def _shared(ground: Ground, declaration: ServiceDeclaration) -> MlflowAddress:
    """Return the server of all tests of the run; `init` is run on it once."""
    address = ground.pool.mlflow()
    if declaration.init:
        key = f"registry_{digest(declaration, ground.folder)}"
        made = ground.pool.run.once(key, lambda: _initialised(ground, declaration, address))
        if "failed" in made:
            raise InitError(made["failed"])
    return address


def _initialised(ground: Ground, declaration: ServiceDeclaration, address: MlflowAddress) -> dict[str, str]:
    try:
        _run_init(ground, declaration, address)
    except InitError as error:
        return {"failed": str(error)}
    if ground.sole_registry and not address.given:
        # Nobody has had the server before: what it holds is the known state, fresh ones need not run `init` again.
        _known(ground, declaration).make(ground.pool.run.folder(OF_THE_RUN), lambda: None)
    return {"made": address.url}


def _fresh(ground: Ground, declaration: ServiceDeclaration) -> MlflowAddress:
    """Return a server in its known state that nobody else uses while the sandbox is there."""
    known = _known(ground, declaration)

    def start() -> FreshMlflow:
        return ground.pool.fresh_mlflow(known, lambda address: _run_init(ground, declaration, address))

    shelf = ground.pool.shelf(f"registries {known.name}", lambda: FreshMlflows(start))
    server = shelf.take()
    ground.undo.callback(shelf.give_back, server)
    return server.address


def _known(ground: Ground, declaration: ServiceDeclaration) -> KnownState:
    return KnownState(ground.pool.run, f"registry_{digest(declaration, ground.folder)}")


def _run_init(ground: Ground, declaration: ServiceDeclaration, address: MlflowAddress) -> None:
    for step in declaration.init:
        proxied = ProxiedService.begin(
            f"init-{declaration.name}",
            address.upstream,
            engine=ground.engine(),
            protocol="http" if address.given else None,
            settings=_settings(address),
        )
        try:
            env = ground.shell | filled_env(declaration, HttpHandle(proxied, address.url))
            run_command(declaration, step, folder=ground.folder, env=env, run=ground.pool.run)
        finally:
            proxied.end()


def _settings(address: MlflowAddress) -> dict[str, Any]:
    return as_a_client_of(address.given) if address.given else {}
