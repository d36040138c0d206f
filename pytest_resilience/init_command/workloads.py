"""How the code of a project is started, guessed from its scripts, modules and web applications."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_resilience.init_command.declared import Guess, Value, literal
from pytest_resilience.init_command.project import Project
from pytest_resilience.init_command.scripts import Script
from pytest_resilience.init_command.servers import HEALTH, django_server, web_server
from pytest_resilience.init_command.sightings import SourceFile

_SERVERS = (
    "http.server",
    "socketserver",
    "aiohttp.web",
    "uvicorn",
    "tornado",
    "waitress",
    "gunicorn",
    "hypercorn",
)
_QUESTIONS = (
    "may it be started again (resume)? does it keep checkpoints (major_operation)? what undoes it (rollback,\n"
    "#   snapshot)? which rows does it promise (exactly_once)? does it load much before it works\n"
    "#   (start = 'prepared' is quicker)?"
)
_NO_WORKLOAD = re.compile(r"rollback|undo|migrate|manage|env")


def guess_workloads(project: Project, services: list[Guess]) -> list[Guess]:
    """Return the workloads, none or more: servers, what can be run as a program, and installed scripts."""
    served = django_server(project, services)
    found: list[Guess] = [] if served is None else [served]
    started: set[str] = set()
    for source in project.sources:
        for guess in _of_source(project, source):
            started.add(str(source.path))
            found.append(_with_uses(guess, project, source, services))
    for script in project.scripts:
        guess_of_script = _of_script(project, script, started, services)
        if guess_of_script:
            found.append(guess_of_script)
    return _with_own_names(found, {service.short_name for service in services})


def _of_source(project: Project, source: SourceFile) -> Iterator[Guess]:
    if source.apps:
        yield web_server(_name(source), project, source, source.apps[0])
    elif _is_program(source):
        yield _program(source)


def _is_program(source: SourceFile) -> bool:
    is_started = source.path.name == "__main__.py" or source.main_line is not None
    return is_started and not _NO_WORKLOAD.fullmatch(source.path.stem)


def _program(source: SourceFile) -> Guess:
    guess = Guess(f"workloads.{_name(source)}", {"command": _started(source)})
    guess.seen.append(f"a program: {source.at(source.main_line or 1)}")
    if source.line_of(*_SERVERS) and "--port" in source.texts:
        guess.values["command"] = [*_started(source), "--port", "{port}"]
        path = next((text for text in sorted(source.texts) if HEALTH.fullmatch(text)), "/")
        guess.values["ready"] = f"GET {path}"
        guess.values["drive"] = {"request": f"GET {path}"}
        guess.todo.append("drive: the requests that make it work")
    elif source.arguments:
        guess.todo.append(f"command: add its arguments, {', '.join(dict.fromkeys(source.arguments))}")
    return guess


def _started(source: SourceFile) -> list[str]:
    if source.module is None:
        return ["{python}", literal(source.path.as_posix())]
    return ["{python}", "-m", source.module.removesuffix(".__main__")]


def _of_script(project: Project, script: Script, started: set[str], services: list[Guess]) -> Guess | None:
    module, _, function = script.target.partition(":")
    source = next((each for each in project.sources if each.module == module), None)
    if source is None or str(source.path) in started or not re.fullmatch(r"[\w.]+", function):
        return None
    code = f"import sys; from {module} import {function.partition('.')[0]}; sys.exit({function}())"
    guess = Guess(
        f"workloads.{re.sub(r'[^A-Za-z0-9_-]', '-', script.name)}", {"command": ["{python}", "-c", code]}
    )
    guess.seen.append(f"the script {script.name} of {script.file}: {source.path.as_posix()}")
    if source.arguments:
        guess.todo.append(f"command: add its arguments, {', '.join(dict.fromkeys(source.arguments))}")
    return _with_uses(guess, project, source, services)


def _with_uses(guess: Guess, project: Project, source: SourceFile, services: list[Guess]) -> Guess:
    reached = {str(each.path) for each in project.reached_from(source)}
    guess.values["uses"] = [service.short_name for service in services if service.files & reached]
    if not guess.values["uses"]:
        guess.todo.append("uses: which services does it talk to? none was seen from here")
    if source.module and str(source.import_root) != ".":
        guess.values["env"] = {"PYTHONPATH": literal(source.import_root.as_posix())}
    if "drive" not in guess.values:
        guess.todo.append(_QUESTIONS)
    return guess


def _name(source: SourceFile) -> str:
    stem = (
        source.path.parent.name
        if source.path.stem in {"__main__", "__init__", "main", "app"}
        else source.path.stem
    )
    return re.sub(r"[^A-Za-z0-9_-]", "-", stem) or "app"


def _with_own_names(found: list[Guess], taken: set[str]) -> list[Guess]:
    for guess in found:
        name, number = guess.short_name, 2
        while guess.short_name in taken:
            guess.name, number = f"workloads.{name}_{number}", number + 1
        taken.add(guess.short_name)
    return found


def none_found() -> Guess:
    """Return an example, in comments, where nothing that can be started was seen."""
    example: Value = ["{python}", "-m", "your_package.your_job"]
    return Guess(
        "",
        seen=[
            "TODO: nothing that can be started was seen: declare it",
            "[workloads.job]",
            f"command = {example}",
        ],
    )
