"""The run: what `--chaos` switches on, from the header line to the end of every process that was started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience.plugin.options import TAKEN

if TYPE_CHECKING:
    from pytest_resilience.chaos.configuration.model import Configuration
    from pytest_resilience.plugin.chaos_run import ChaosRun
    from pytest_resilience.plugin.gate import GateSession

MARKER = (
    "chaos(proves=()): a test that injects faults into real services; runs with --chaos alone. "
    "`proves` names the checklist items that it is evidence for"
)


RUN: pytest.StashKey[ChaosRun] = pytest.StashKey()
GATE: pytest.StashKey[GateSession] = pytest.StashKey()


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


def is_wanted(config: pytest.Config) -> bool:
    """Tell whether `--chaos` is on, by itself or by an option that implies it."""
    names = ("resilience_chaos", "resilience_checklist", "resilience_list")
    return any(config.getoption(name, default=False) for name in names)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; with `--chaos`, make the run's folder, and start nothing yet."""
    config.addinivalue_line("markers", MARKER)
    if not is_wanted(config):
        return
    from pytest_resilience.plugin.chaos_run import begin
    from pytest_resilience.plugin.gate import GateSession
    from pytest_resilience.plugin.report_place import refuse_unwritable
    from pytest_resilience.plugin.selection import SELECTED, select
    from pytest_resilience.plugin.signals import end_with_a_report
    from pytest_resilience.plugin.suite import SUITE, make_suite
    from pytest_resilience.plugin.watch import Watch

    config.stash[SELECTED] = select(config)
    run = config.stash[RUN] = begin(config)
    _collect_scenarios(config, run.configuration.scenarios)
    config.stash[SUITE] = make_suite(config, run)
    gate = GateSession(config, run)
    if not gate.is_worker:
        refuse_unwritable(config)
    config.stash[GATE] = gate
    config.pluginmanager.register(gate, "resilience-gate")
    if not gate.is_worker:
        end_with_a_report(config)
        if config.get_verbosity() >= 0:
            config.pluginmanager.register(Watch(first=bool(_first(config, run))), "resilience-watch")


def _collect_scenarios(config: pytest.Config, folder: Path) -> None:
    """Add the scenarios folder where no path is given and pytest would pass it over, as from a folder beside it."""
    if config.args_source is not config.ArgsSource.ARGS and folder.is_dir():
        named = [(config.rootpath / argument).resolve() for argument in config.args]
        if not any(folder.resolve().is_relative_to(path) for path in named):
            config.args.append(str(folder))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let an xdist worker use the controller's services."""
    run = node.config.stash.get(RUN, None)
    if run is not None:
        from pytest_resilience.plugin.selection import SELECTED

        node.workerinput["resilience"] = {"folder": str(run.folder.path), "owner": run.folder.owner}
        node.workerinput["resilience_selection"] = node.config.stash[SELECTED].told()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which engines in which versions carry the run, and the seed."""
    lines = [
        f"resilience: {name} belongs to {who}" + ("; --resilience-chaos is ours" if name == "--chaos" else "")
        for name, who in config.stash.get(TAKEN, {}).items()
    ]
    run = config.stash.get(RUN, None)
    if run is None:
        return lines
    return [f"resilience: {run.engines}, seed {run.seed}", *_plans(run), *_first(config, run), *lines]


def _first(config: pytest.Config, run: ChaosRun) -> list[str]:
    """Say what is waited for until the first experiment: pytest collects, or starts its workers, without a word."""
    from pytest_resilience.plugin.report_place import reports_nothing
    from pytest_resilience.plugin.selection import SELECTED

    names = ", ".join(run.configuration.workloads)
    if not names or reports_nothing(config) or not config.stash[SELECTED].wanted:
        return []
    return [
        f"resilience: each workload runs undisturbed before there are experiments on it: {names}",
        *_compiles_anew(),
    ]


def _compiles_anew() -> list[str]:
    """Say why all is slow where no process finds what it imports compiled, as in many images of containers."""
    spec = pytest.__spec__
    compiled = spec.cached is None or Path(spec.cached).exists()
    if compiled or not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        return []
    what = "PYTHONDONTWRITEBYTECODE is set and the packages are not compiled"
    so = "each process that is started compiles all that it imports"
    return [f"resilience: {what}: {so}; unset it, or run `python -m compileall` on site-packages once"]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say also with `-q`, which leaves the header out, what will be made on servers that are not the run's own."""
    run = session.config.stash.get(RUN, None)
    if run is not None and session.config.get_verbosity() < 0:
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        for plan in _plans(run) if reporter is not None else ():
            reporter.write_line(plan)


def _plans(run: ChaosRun) -> list[str]:
    return [f"resilience: {plan}" for plan in run.pool.backend.plans]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End whatever the run has started."""
    run = config.stash.get(RUN, None)
    if run is not None:
        from pytest_resilience.plugin.suite import SUITE

        if SUITE in config.stash:
            config.stash[SUITE].stop()
        run.pool.stop()
