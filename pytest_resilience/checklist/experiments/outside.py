"""Evidence that needs no run: what the code says, and what the documents say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.configuration.model import Configuration, WorkloadDeclaration
from pytest_resilience.checklist.judges.runbooks import Drilled
from pytest_resilience.checklist.judges.runbooks import alert_classes as classes_of
from pytest_resilience.checklist.judges.runbooks import judge as judge_runbooks
from pytest_resilience.checklist.static import EntryPoint, analyse, evidence
from pytest_resilience.checklist.verdict import Evidence

STATIC_ITEMS = ("external-calls", "backoff", "transactions", "breakers", "structured-logs")


def evidence_outside_of_runs(
    configuration: Configuration,
    *,
    alert_classes: Iterable[str] = (),
    drilled: Iterable[Mapping[str, Any]] = (),
) -> list[Evidence]:
    """Return the findings of the static checks, where packages are declared, and those about the runbooks.

    Args:
        configuration: what the team declared.
        alert_classes: of the alerts that were seen in runs.
        drilled: what drills came to, the fields of `Drilled`.
    """
    return [*_static(configuration), *_runbooks(configuration, alert_classes, drilled)]


def _runbooks(
    configuration: Configuration, seen: Iterable[str], drilled: Iterable[Mapping[str, Any]]
) -> Iterable[Evidence]:
    rules = () if configuration.alerts is None else configuration.alerts.rules
    return judge_runbooks(
        configuration.runbooks,
        services=configuration.services,
        alert_classes=sorted({*seen, *classes_of([], rules)}),
        drilled=[Drilled(**{**drill, "path": Path(drill["path"])}) for drill in drilled],
    )


def _static(configuration: Configuration) -> list[Evidence]:
    if not configuration.packages:
        return []
    entries = [entry for workload in configuration.workloads.values() for entry in _entry_points(workload)]
    report = analyse(configuration.folder, configuration.packages, entries)
    return [found for item in STATIC_ITEMS for found in evidence(report, item)]


def _entry_points(workload: WorkloadDeclaration) -> list[EntryPoint]:
    """Return where a workload begins, as far as its command says."""
    if workload.function is not None:
        return [EntryPoint(function=workload.function)]
    words = list(workload.command)
    if "-m" in words[:-1]:
        return [EntryPoint(module=words[words.index("-m") + 1])]
    scripts = [word for word in words[1:] if word.endswith(".py")]
    return [EntryPoint(script=scripts[0])] if scripts else []
