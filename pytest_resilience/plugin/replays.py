"""Commands that try something again, with those options of this test run on which the result depends."""

from __future__ import annotations

import os
import shlex

import pytest

from pytest_resilience.plugin.options import TAKEN

BEGIN = "pytest --chaos"
REPEATED = (
    ("--chaos-backend=", "resilience_backend"),
    ("--chaos-toxiproxy=", "resilience_toxiproxy"),
    ("--rootdir=", "rootdir"),
    ("-c ", "inifilename"),
)
"""What changes the servers, the engine and the project; where it is left to us, it is left to us again."""


def as_here(config: pytest.Config, replay: str) -> str:
    """Return a command that begins with `pytest --chaos` as it has to be written for this project and this run."""
    if not replay.startswith(BEGIN):
        return replay
    first = "--resilience-chaos" if "--chaos" in config.stash.get(TAKEN, {}) else "--chaos"
    given = [each for each in given_here(config) if each not in replay]
    return " ".join(["pytest", first, *given]) + replay[len(BEGIN) :]


def given_here(config: pytest.Config) -> list[str]:
    """Return those options of this run on which the result depends, as a shell takes them."""
    taken = config.stash.get(TAKEN, {})
    values = {
        name: config.getoption(dest, default=None) for name, dest in REPEATED if name.rstrip("=") not in taken
    }
    return [
        f"{name}{shlex.quote(str(value))}" for name, value in values.items() if value not in {None, "auto"}
    ]


def named_here(config: pytest.Config, nodeid: str) -> str:
    """Return the name of a test as a shell takes it in the folder where pytest was started."""
    from pytest_resilience.chaos.shell_word import shell_word

    file, colons, name = nodeid.partition("::")
    here = os.path.relpath(config.rootpath / file, config.invocation_params.dir)
    return shell_word(f"{here}{colons}{name}")


def scenario_here(config: pytest.Config, nodeid: str) -> str:
    """Return the name of a scenario likewise.

    Its file names it, which holds no other, where pytest does not find it by its sentence, since `::` parts names, or
    where nobody can type that.
    """
    file, _, sentence = nodeid.partition("::")
    can_be_named = "::" not in sentence and sentence.isprintable()
    return named_here(config, nodeid if can_be_named else file)
