"""The text of a starting configuration."""

from __future__ import annotations

from pytest_resilience.init_command.alerts import guess_alerts
from pytest_resilience.init_command.declared import Guess
from pytest_resilience.init_command.project import Project
from pytest_resilience.init_command.services import guess_services
from pytest_resilience.init_command.workloads import guess_workloads

_PREFIX = "tool.resilience"


def draft(project: Project, *, for_pyproject: bool) -> str:
    """Return the configuration that was guessed, with a comment for each reason and each question."""
    services = guess_services(project)
    guesses = [_top(project), *services, *guess_alerts(project), *guess_workloads(project, services)]
    prefix = _PREFIX if for_pyproject else ""
    return "\n\n".join("\n".join(guess.lines(prefix if guess.values else "")) for guess in guesses) + "\n"


def _top(project: Project) -> Guess:
    guess = Guess("", {"packages": project.packages})
    guess.seen = [
        "Guessed by `python -m pytest_resilience init` from the files named here: read it through.",
        "What could not be known is marked TODO.",
        *(f"{path.as_posix()} was left out: it could not be read as Python" for path in project.unreadable),
    ]
    if not project.packages:
        guess.todo.append("packages: no package was seen; which code may the static checks read?")
    return guess
