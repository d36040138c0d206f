"""The command-line options, registered so late that a project's own options of the same name win."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Generator
from typing import Any

import pytest

GROUP = "resilience"
TAKEN = pytest.StashKey[dict[str, str]]()
"""Options of ours whose name was taken, and who took it."""


EXPLORATIONS = ("off", "sample", "exhaustive")
BACKENDS = ("auto", "embedded", "docker", "external")
TOXIPROXIES = ("auto", "embedded", "binary", "docker")


def _toxiproxy_choice(given: str) -> str:
    """Refuse what is neither a known word nor an address."""
    if given not in TOXIPROXIES and not given.startswith("http://"):
        raise argparse.ArgumentTypeError(
            f"invalid choice: {given!r} (choose from {', '.join(TOXIPROXIES)}, "
            "or the address of a Toxiproxy, such as http://127.0.0.1:8474)"
        )
    return given


def _exploration(given: str) -> str:
    """Refuse what is neither a known word nor a number of schedules."""
    if given not in EXPLORATIONS and not (given.isdecimal() and int(given) > 0):
        raise argparse.ArgumentTypeError(
            f"invalid choice: {given!r} (choose from {', '.join(EXPLORATIONS)}, or a number of random schedules)"
        )
    return given


def _folder(given: str) -> str:
    """Refuse what an unset variable of a shell leaves."""
    if not given.strip():
        raise argparse.ArgumentTypeError("it names no folder")
    return given


def _shard(given: str) -> tuple[int, int]:
    """Read `I/N`."""
    part, _, parts = given.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(
            f"invalid shard: {given!r} (write the part and their number, as in 1/4)"
        )
    return int(part), int(parts)


def _positive_seconds(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"invalid number of seconds: {given!r}")
    return seconds


# Each: its name, where pytest keeps it, and its settings.
OPTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "--chaos",
        "resilience_chaos",
        {"action": "store_true", "help": "run tests marked chaos, on real services behind a proxy"},
    ),
    (
        "--checklist",
        "resilience_checklist",
        {"action": "store_true", "help": "judge the ten items of the checklist; implies --chaos"},
    ),
    (
        "--checklist-mode",
        "resilience_checklist_mode",
        {
            "choices": ("gate", "warn"),
            "default": "gate",
            "help": "gate (default): the run fails unless every item is passed, waived or not applicable; "
            "warn: report only",
        },
    ),
    (
        "--chaos-explore",
        "resilience_explore",
        {
            "type": _exploration,
            "default": "sample",
            "metavar": "{off,sample,exhaustive,N}",
            "help": "fault points of the declared workloads: none, one of each class (default), all, "
            "or N random schedules",
        },
    ),
    (
        "--chaos-budget",
        "resilience_budget",
        {
            "type": _positive_seconds,
            "metavar": "SECONDS",
            "help": "begin no experiment later than that after the first one; what was not reached is unproven. Clean "
            "runs, scenarios and tests come besides",
        },
    ),
    (
        "--chaos-report",
        "resilience_report",
        {
            "type": _folder,
            "metavar": "DIR",
            "default": "resilience-report",
            "help": "where reports go (default: %(default)s)",
        },
    ),
    (
        "--chaos-list",
        "resilience_list",
        {
            "action": "store_true",
            "help": "list services, workloads, scenarios and fault kinds (-v: fault points too), and run nothing",
        },
    ),
    (
        "--chaos-shard",
        "resilience_shard",
        {
            "type": _shard,
            "metavar": "I/N",
            "help": "run the I-th of N parts; the gate is judged when they are merged",
        },
    ),
    (
        "--chaos-seed",
        "resilience_seed",
        {
            "type": int,
            "metavar": "N",
            "help": "what every random draw follows from (default: from the git commit, else 0)",
        },
    ),
    (
        "--chaos-backend",
        "resilience_backend",
        {
            "choices": BACKENDS,
            "default": "auto",
            "help": "where PostgreSQL and MLflow come from: processes of ours, containers of the images in "
            "docker-compose.yml, or servers at addresses in RESILIENCE_POSTGRES_DSN, RESILIENCE_MLFLOW_URL or the "
            "configuration; auto = embedded",
        },
    ),
    (
        "--chaos-toxiproxy",
        "resilience_toxiproxy",
        {
            "type": _toxiproxy_choice,
            "default": "auto",
            "metavar": "{auto,embedded,binary,docker,URL}",
            "help": "which engine carries the network faults: ours, toxiproxy-server on PATH or in .tools/bin, "
            "one in a container, or one that runs already; auto = embedded",
        },
    ),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the one option that is ours whatever a project calls its own."""
    parser.getgroup(GROUP, "faults against real services").addoption(
        "--resilience-chaos",
        dest="resilience_chaos",
        action="store_true",
        help="the same as --chaos, for projects that have a --chaos of their own",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, object, object]:
    """Register the rest once the project's conftest files have registered theirs."""
    result = yield
    group = parser.getgroup(GROUP)
    names = _known_names(parser)
    for name, dest, settings in OPTIONS:
        if name not in names:
            group.addoption(name, dest=dest, **settings)
    early_config.stash[TAKEN] = {
        name: _who_has(name, early_config.pluginmanager) for name, _, _ in OPTIONS if name in names
    }
    return result


def _known_names(parser: pytest.Parser) -> set[str]:
    """Return the names of all options; pytest tells of a conflict only by a crash, and keeps no public list."""
    optparser: Any = getattr(parser, "optparser", None)
    if optparser is not None:  # pytest 9
        return set(optparser._option_string_actions)  # noqa: SLF001
    groups: Any = [*parser._groups, parser._anonymous]  # noqa: SLF001
    return {name for group in groups for option in group.options for name in option.names()}


def _who_has(name: str, plugins: pytest.PytestPluginManager) -> str:
    """Return the file of the plugin that registers the option, as far as its source tells."""
    for plugin in plugins.get_plugins():
        hook = getattr(plugin, "pytest_addoption", None)
        if hook is None or hook is pytest_addoption:
            continue
        try:
            source = inspect.getsource(hook)
        except (OSError, TypeError):
            continue
        if f'"{name}"' in source or f"'{name}'" in source:
            return str(getattr(plugin, "__file__", plugin))
    return "another plugin"
