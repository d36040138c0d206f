"""Evidence that needs no run: what the code says, and what the documents say."""

from __future__ import annotations

from pytest_resilience.chaos.configuration.model import Configuration, WorkloadDeclaration
from pytest_resilience.checklist.static import EntryPoint, analyse, evidence
from pytest_resilience.checklist.verdict import Evidence

STATIC_ITEMS = ("external-calls", "backoff", "transactions", "breakers", "structured-logs")


def evidence_outside_of_runs(configuration: Configuration) -> list[Evidence]:
    """Return the findings of the static checks, where packages are declared."""
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
