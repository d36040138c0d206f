"""Evidence that needs no run: what the code says, and what the documents say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    entries = [entry for command in _commands(configuration) for entry in _entry_points(command)]
    report = analyse(configuration.folder, configuration.packages, entries)
    found = [finding for item in STATIC_ITEMS for finding in evidence(report, item)]
    return list(weigh(found, seen, report, configuration.folder))


def _commands(configuration: Configuration) -> Iterator[Sequence[str] | str]:
    """Yield all that runs the team's code: the workloads, how they are rolled back, and how services begin."""
    for workload in configuration.workloads.values():
        yield workload.function or workload.command
        if workload.rollback is not None:
            yield workload.rollback
    for service in configuration.services.values():
        yield from (words(step) for step in service.init if "{python}" in step)


def _entry_points(command: Sequence[str] | str) -> list[EntryPoint]:
    """Return where a command begins, as far as it says."""
    if isinstance(command, str):
        return [EntryPoint(function=command)]
    if "-m" in command[:-1]:
        return [EntryPoint(module=command[list(command).index("-m") + 1])]
    scripts = [word for word in command[1:] if word.endswith(".py")]
    return [EntryPoint(script=scripts[0])] if scripts else []
