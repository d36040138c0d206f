"""The text of a starting configuration."""

from __future__ import annotations

from pytest_resilience.init_command.alerts import guess_alerts
from pytest_resilience.init_command.declared import Guess
from pytest_resilience.init_command.other_languages import declare_by_hand, project_file
from pytest_resilience.init_command.project import Project
from pytest_resilience.init_command.services import guess_services
from pytest_resilience.init_command.workloads import guess_workloads, none_found

_PREFIX = "tool.resilience"


def draft(project: Project, *, for_pyproject: bool) -> str:
    """Return the configuration that was guessed, with a comment for each reason and each question."""
    services = guess_services(project)
    workloads = guess_workloads(project, services)
    foreign = None if workloads else project_file(project.folder)
    started = [declare_by_hand(project.folder, foreign)] if foreign else workloads or [none_found()]
    top = _top(project, packages=project.packages if foreign else project.packages or project.modules)
    guesses = [top, *services, *guess_alerts(project), *started]
    prefix = _PREFIX if for_pyproject else ""
    return "\n\n".join("\n".join(guess.lines(prefix if guess.values else "")) for guess in guesses) + "\n"


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
