"""The fixtures: real services for one test, in a sandbox that is undone after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.plugin.plainly import told_plainly
from pytest_resilience.plugin.replacement import tell_of_replacements
from pytest_resilience.plugin.session import RUN, reason_to_skip

if TYPE_CHECKING:
    from pytest_resilience.chaos.http_handle import HttpHandle
    from pytest_resilience.chaos.mlflow_handle import MlflowHandle
    from pytest_resilience.chaos.postgres_handle import PostgresHandle
    from pytest_resilience.chaos.sandbox import Sandbox
    from pytest_resilience.plugin.chaos_control import ChaosControl
    from pytest_resilience.plugin.workload_control import WorkloadControl

SANDBOX: pytest.StashKey[Sandbox] = pytest.StashKey()


@pytest.fixture
def resilience_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """What this test has to itself; healed, removed and dropped after it.

    The variables that a declared service has are set in this process when the service begins.
    """
    from pytest_resilience.chaos.sandbox import Sandbox

    run = request.config.stash.get(RUN, None)
    if run is None:
        pytest.skip(reason_to_skip(request.config))

    def set_variables(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    sandbox = Sandbox(run.pool, request.node.name, run.configuration, told=set_variables)
    request.node.stash[SANDBOX] = sandbox
    yield sandbox
    try:
        sandbox.close()
    finally:
        tell_of_replacements(request.node, sandbox.replacements)


@pytest.fixture
def postgres(resilience_sandbox: Sandbox) -> PostgresHandle:
    """A new database of a real PostgreSQL server: `.dsn` through the fault proxy, `.direct_dsn` around it.

    It is the only declared one, in the state that its `init` makes, or an empty one where none is declared.
    """
    with told_plainly():
        return resilience_sandbox.postgres()


@pytest.fixture
def mlflow_server(resilience_sandbox: Sandbox) -> MlflowHandle:
    """A real MLflow tracking server: `.url` through the fault proxy, `.direct_url` around it."""
    with told_plainly():
        return resilience_sandbox.mlflow()


@pytest.fixture
def http_service(resilience_sandbox: Sandbox) -> HttpHandle:
    """The only declared web service: `.url` through the fault proxy, `.direct_url` around it."""
    with told_plainly():
        return resilience_sandbox.http()


@pytest.fixture
def service(resilience_sandbox: Sandbox) -> Callable[[str], Any]:
    """Return the handle of any service by its name: `service("labs")`; what it has depends on its kind."""
    return resilience_sandbox.service


@pytest.fixture
def workload(
    resilience_sandbox: Sandbox, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], WorkloadControl]]:
    """Return a declared workload by its name, not started yet: `workload("ingest").start()`; ended after the test."""
    from pytest_resilience.plugin.workload_control import WorkloadControl

    run = request.config.stash[RUN]
    known: dict[str, WorkloadControl] = {}

    def of(name: str) -> WorkloadControl:
        if name not in known:
            with told_plainly():
                known[name] = WorkloadControl(name, resilience_sandbox, run.configuration, run.folder)
        return known[name]

    yield of
    for control in known.values():
        control.close()


@pytest.fixture
def toxiproxy(resilience_sandbox: Sandbox) -> Iterator[Any]:
    """A `toxiproxy.Toxiproxy` client of the engine that carries this test's network faults."""
    from pytest_resilience.plugin.toxiproxy_client import client_of

    with told_plainly():
        engine, real = resilience_sandbox.engine(), resilience_sandbox.toxiproxy()
    if real is None:
        yield client_of(engine)
        return
    with real.watched():
        yield client_of(real.address, proxy_name=real.proxy_name)


@pytest.fixture
def chaos(resilience_sandbox: Sandbox, request: pytest.FixtureRequest) -> ChaosControl:
    """Faults by name: `chaos.inject("postgres", "latency", delay=0.3)`; `.receipts` and `.seed`."""
    from pytest_resilience.plugin.chaos_control import ChaosControl

    return ChaosControl(resilience_sandbox, request.config.stash[RUN].seed)
