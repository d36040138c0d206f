"""Evidence that needs no run: what the code says, and what the documents say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.configuration.placeholders import words
from pytest_resilience.checklist.judges.runbooks import Drilled
from pytest_resilience.checklist.judges.runbooks import alert_classes as classes_of
from pytest_resilience.checklist.judges.runbooks import judge as judge_runbooks
from pytest_resilience.checklist.static import EntryPoint, analyse, evidence
from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.checklist.weighing import weigh

_MODULE = re.compile(r"([A-Za-z_][\w.]*)")
_SERVED = re.compile(r"([A-Za-z_][\w.]*):[A-Za-z_][\w.]*(?:\(.*\))?")
_APP = frozenset({"-A", "--app"})
_DJANGO = frozenset({"manage.py", "django", "django-admin"})
STATIC_ITEMS = ("external-calls", "backoff", "transactions", "breakers", "structured-logs")


def evidence_outside_of_runs(
    configuration: Configuration,
    *,
    seen: Sequence[Evidence] = (),
    alert_classes: Iterable[str] = (),
    drilled: Iterable[Mapping[str, Any]] = (),
) -> list[Evidence]:
    """Return the findings of the static checks, where packages are declared, and those about the runbooks.

    Args:
        configuration: what the team declared.
        seen: what the runs say, against which the findings are weighed.
        alert_classes: of the alerts that were seen in runs.
        drilled: what drills came to, the fields of `Drilled`.
    """
    return [*_static(configuration, seen), *_runbooks(configuration, alert_classes, drilled)]


def _runbooks(
    configuration: Configuration, seen: Iterable[str], drilled: Iterable[Mapping[str, Any]]
) -> Iterable[Evidence]:
    rules = () if configuration.alerts is None else configuration.alerts.rules
    return judge_runbooks(
        configuration.runbooks,
        services=configuration.services,
        alert_classes=sorted({*seen, *classes_of([], rules)}),
        drilled=[Drilled(**{**drill, "path": Path(drill["path"])}) for drill in drilled],
        drills=configuration.drills,
        why_no_drills=configuration.why_no_drills,
    )


def _static(configuration: Configuration, seen: Sequence[Evidence] = ()) -> list[Evidence]:
    if not configuration.packages:
        return []
    entries = [entry for command in _commands(configuration) for entry in entry_points(command)]
    entries += [entry for entry in _of_init(configuration) if _stands_in(entry, configuration.packages)]
    report = analyse(configuration.folder, configuration.packages, entries)
    found = [finding for item in STATIC_ITEMS for finding in evidence(report, item)]
    return list(weigh(found, seen, report, configuration.folder))


def _commands(configuration: Configuration) -> Iterator[Sequence[str] | str]:
    """Yield all that runs the team's code: the workloads, and how they are rolled back."""
    for workload in configuration.workloads.values():
        yield workload.function or workload.command
        if workload.rollback is not None:
            yield workload.rollback


def _of_init(configuration: Configuration) -> Iterator[EntryPoint]:
    """Yield where what fills the services begins."""
    for service in configuration.services.values():
        for step in service.init:
            yield from entry_points(words(step)) if "{python}" in step else ()


def _stands_in(entry: EntryPoint, packages: Sequence[str]) -> bool:
    """Tell whether code is the team's by its declaration: a script that fills a sandbox is none that is deployed."""
    if entry.script is not None:
        place = Path(entry.script)
        return place.parts[0] == "management" or any(place.is_relative_to(name) for name in packages)
    module = entry.module or str(entry.function).partition(":")[0]
    names = (name.removeprefix("src/").replace("/", ".") for name in packages)
    return any(f"{module}.".startswith(f"{name}.") for name in names)


def entry_points(command: Sequence[str] | str) -> list[EntryPoint]:
    """Return where a command begins, as far as it says: itself, and what a server or a framework is told to load."""
    if isinstance(command, str):
        return [EntryPoint(function=command)]
    if "-m" in command[:-1]:
        at = list(command).index("-m") + 1
        begins = [EntryPoint(module=command[at])]
    else:
        at = next((number for number, word in enumerate(command) if number and word.endswith(".py")), 0)
        begins = [EntryPoint(script=command[at])] if at else []
    return [*begins, *_loaded(command[at], command[at + 1 :])]


def _loaded(program: str, arguments: Sequence[str]) -> Iterator[EntryPoint]:
    """Yield `package.module:app`, as servers are told, what `--app` names, and the command that Django is to run."""
    for before, word in pairwise(["", *arguments]):
        if (served := _SERVED.fullmatch(word)) or (before in _APP and (served := _MODULE.fullmatch(word))):
            yield EntryPoint(module=served[1])
    if Path(program).name in _DJANGO and arguments:
        yield EntryPoint(script=f"management/commands/{arguments[0]}.py")
