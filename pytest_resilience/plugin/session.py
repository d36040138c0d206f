"""The run: what `--chaos` switches on, from the header line to the end of every process that was started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.plugin.options import TAKEN

if TYPE_CHECKING:
    from pytest_resilience.chaos.configuration.model import Configuration
    from pytest_resilience.plugin.chaos_run import ChaosRun

SCENARIOS = "scenarios"
MARKER = (
    "chaos(proves=()): a test that injects faults into real services; runs with --chaos alone. "
    "`proves` names the checklist items that it is evidence for"
)


RUN: pytest.StashKey[ChaosRun] = pytest.StashKey()


def configuration_of(config: pytest.Config) -> Configuration:
    """Return what the team has declared, with or without `--chaos`."""
    run = config.stash.get(RUN, None)
    if run is not None:
        return run.configuration
    from pytest_resilience.chaos.configuration.reading import read_configuration

    return read_configuration(config.rootpath)


def reason_to_skip(config: pytest.Config) -> str:
    """Return why a chaos test does not run, with the option that is ours here."""
    option = "--resilience-chaos" if "--chaos" in config.stash.get(TAKEN, {}) else "--chaos"
    return f"needs real services behind a fault proxy: run with {option}"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; with `--chaos`, make the run's folder, and start nothing yet."""
    config.addinivalue_line("markers", MARKER)
    if not config.getoption("resilience_chaos"):
        return
    _collect_scenarios(config)
    if config.option.collectonly:
        return
    from pytest_resilience.plugin.chaos_run import begin

    config.stash[RUN] = begin(config)


def _collect_scenarios(config: pytest.Config) -> None:
    """Add the scenarios folder where pytest would collect the configured `testpaths` alone."""
    folder = config.rootpath / SCENARIOS
    if config.args_source is config.ArgsSource.TESTPATHS and folder.is_dir():
        named = [(config.rootpath / argument).resolve() for argument in config.args]
        if not any(folder.resolve().is_relative_to(path) for path in named):
            config.args.append(str(folder))


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
    return [f"resilience: {run.engines}, seed {run.seed}", *lines]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End whatever the run has started."""
    run = config.stash.get(RUN, None)
    if run is not None:
        run.pool.stop()
