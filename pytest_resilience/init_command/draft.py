"""The text of a starting configuration."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from pytest_resilience.init_command.alerts import guess_alerts
from pytest_resilience.init_command.declared import Guess
from pytest_resilience.init_command.other_languages import declare_by_hand, project_file
from pytest_resilience.init_command.project import Project
from pytest_resilience.init_command.services import guess_services
from pytest_resilience.init_command.workloads import guess_workloads, none_found

_PREFIX = "tool.resilience"
_ADDRESS = re.compile(r"\w+_(?:URL|URI|HOST|ADDR|ADDRESS|ENDPOINT|API|HOOK|WEBHOOK|DSN|SERVER|BROKER)")
_MOST = 6
"""Variables that are named; the rest is counted."""


def draft(project: Project, *, for_pyproject: bool) -> str:
    """Return the configuration that was guessed, with a comment for each reason and each question."""
    services = guess_services(project)
    workloads = guess_workloads(project, services)
    foreign = None if workloads else project_file(project.folder)
    started = [declare_by_hand(project.folder, foreign)] if foreign else workloads or [none_found()]
    top = _top(project, packages=project.packages if foreign else project.packages or project.modules)
    alerts = guess_alerts(project)
    guesses = [top, *services, *alerts, *_undeclared(project, [*services, *alerts]), *started]
    prefix = _PREFIX if for_pyproject else ""
    return "\n\n".join("\n".join(guess.lines(prefix if guess.values else "")) for guess in guesses) + "\n"


def _undeclared(project: Project, guesses: list[Guess]) -> list[Guess]:
    """Name the variables that lead somewhere, as it seems, and that no guess sets: a run leaves them as they are."""
    declared = {name for guess in guesses for name in _set_by(guess)}
    found = {
        variable: source.at(line)
        for source in project.sources
        for variable, line in source.reads.items()
        if variable not in declared and _ADDRESS.fullmatch(variable)
    }
    if not found:
        return []
    names = ", ".join(f"{variable} ({place})" for variable, place in list(found.items())[:_MOST])
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    text = (
        f"TODO: read by the code, and set by nothing here: {names}{more}. Runs find them as your shell has them: "
        "declare what they lead to, as a service or under [alerts]"
    )
    return [Guess("", seen=textwrap.wrap(text, 118))]


def _set_by(guess: Guess) -> Mapping[str, str]:
    env = guess.values.get("env")
    return env if isinstance(env, Mapping) else {}


def _top(project: Project, *, packages: list[str]) -> Guess:
    guess = Guess("", {"packages": packages})
    guess.seen = [
        "Guessed by `python -m pytest_resilience init` from the files named here: read it through.",
        "What could not be known is marked TODO.",
        *(f"{path.as_posix()} was left out: it could not be read as Python" for path in project.unreadable),
    ]
    if not packages:
        guess.todo.append("packages: no package was seen; which Python may the static checks read?")
    return guess
