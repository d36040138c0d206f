"""How the servers of a project are started and what they answer, guessed from its web applications."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pytest_resilience.init_command.declared import Guess, literal
from pytest_resilience.init_command.project import Project
from pytest_resilience.init_command.sightings import App, SourceFile

HEALTH = re.compile(r"(?:/[\w.-]+)*/\w*(?:health|ready|live|ping|status)\w*/?", re.IGNORECASE)
"""A path by which a server is asked whether it serves."""
_READY = 'ready = "GET /...": which request does it answer with 2xx once it serves? till then, when its port accepts'


def web_server(name: str, project: Project, source: SourceFile, app: App) -> Guess:
    """Return the workload of an application that Flask's server or uvicorn runs."""
    where = f"{literal(source.module or source.path.stem)}:{app.name}"
    if app.framework == "flask":
        command = ["{python}", "-m", "flask", "--app", where, "run", "--port", "{port}"]
    else:
        factory = ["--factory"] if app.is_factory else []
        command = ["{python}", "-m", "uvicorn", where, *factory, "--port", "{port}"]
    guess = Guess(f"workloads.{name}", {"command": command})
    guess.seen.append(f"a {app.framework} application: {source.at(app.line)}")
    _add_requests(guess, project.answers_of(source))
    return guess


def _add_requests(guess: Guess, answers: Sequence[tuple[str, str]]) -> None:
    gets = [path for method, path in answers if method == "GET"]
    ready = next(filter(HEALTH.fullmatch, gets), gets[0] if gets else None)
    work = [(method, path) for method, path in answers if not HEALTH.fullmatch(path)]
    driven = next((each for each in work if each[0] == "POST"), work[0] if work else ("GET", ready or "/"))
    _add(guess, ready, " ".join(driven))
    if driven[0] != "GET":
        guess.todo.append(f'drive: add body = "...", a file with what is sent to {driven[1]}')


def _add(guess: Guess, ready: str | None, driven: str) -> None:
    if ready is None:
        guess.todo.append(_READY)
    else:
        guess.values["ready"] = f"GET {ready}"
    guess.values["drive"] = {"request": driven}


def django_server(project: Project, services: list[Guess]) -> Guess | None:
    """Return the workload that serves a Django project; none where its manage.py is not beside the configuration.

    What it uses is what any of its packages uses: Django finds its parts by names in the settings, not by imports.
    """
    if not project.has_django:
        return None
    package = _django_package(project)
    parts = [source for source in project.sources if _is_part_of_django(source)]
    wsgi = next((source for source in parts if source.module == f"{package}.wsgi"), None)
    guess = Guess("workloads.web", {}, seen=["a Django project: there is a manage.py"])
    if wsgi is not None and project.mentions("gunicorn"):
        guess.seen.append(f"gunicorn is a dependency, and serves {wsgi.path.as_posix()}")
        serving = ["-m", "gunicorn", f"{wsgi.module}:application", "--bind", "127.0.0.1:{port}"]
    else:
        serving = ["manage.py", "runserver", "--noreload", "127.0.0.1:{port}"]
    guess.values["command"] = ["{python}", *serving]
    urls = next((each for each in parts if each.module == f"{package}.urls"), None)
    _add_django_requests(guess, [] if urls is None else [path for _, path in project.answers_of(urls)])
    reached = {str(source.path) for source in parts}
    guess.values["uses"] = [service.short_name for service in services if service.files & reached]
    return guess


def _django_package(project: Project) -> str:
    """Return the package that has the settings, as manage.py names it, or where its wsgi.py is."""
    named = {
        match[1]
        for source in project.sources
        if source.path == Path("manage.py")
        for text in source.texts
        if (match := re.fullmatch(r"([\w.]+?)\.settings\w*(?:\.\w+)*", text))
    }
    served = (source.module or "" for source in project.sources if source.path.name == "wsgi.py")
    return min(named, default=next(served, "").rpartition(".")[0])


def _is_part_of_django(source: SourceFile) -> bool:
    return source.import_root == Path() and (source.path.name == "manage.py" or len(source.path.parts) > 1)


def _add_django_requests(guess: Guess, paths: Sequence[str]) -> None:
    """Take a check of its health, and something to do; of which method the latter is, urls do not tell."""
    ready = next(filter(HEALTH.fullmatch, paths), "/" if "/" in paths else None)
    work = next((path for path in paths if not HEALTH.fullmatch(path)), ready or "/")
    _add(guess, ready, f"GET {work}")
    guess.todo.append(
        'drive: the requests that make it work, with body = "...", a file, where they send something'
    )
