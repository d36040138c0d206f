"""What items hand over to the process that reports, as JSON can carry it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_resilience.chaos.laboratory.scenario_trial import TriedScenario
    from pytest_resilience.chaos.scenario.model import Scenario
    from pytest_resilience.checklist.experiments.experiment import ExperimentResult


def facts_of(experiment_id: str, result: ExperimentResult) -> dict[str, Any]:
    """Return what an experiment came to."""
    from pytest_resilience.checklist.judges.runbooks import alert_classes

    facts: dict[str, Any] = {
        "experiment": experiment_id,
        "outcome": result.outcome,
        "evidence": [asdict(each) for each in result.evidence],
        "point": result.point,
        "found": None if result.found is None else asdict(result.found),
    }
    if result.drilled is not None:
        facts["drilled"] = asdict(result.drilled) | {"path": str(result.drilled.path)}
    if result.record is not None:
        facts["alert_classes"] = alert_classes([result.record])
    if result.record is not None and result.outcome != "not-applicable":
        facts["run"] = asdict(_timeline(experiment_id, result))
    return facts


def _timeline(experiment_id: str, result: ExperimentResult) -> Any:
    from pytest_resilience.report.timeline import timeline

    record = result.record
    if record is None:
        raise TypeError("an experiment without a run has no time line")
    failed = next((each.why for each in result.evidence if each.outcome == "failed"), None)
    return timeline(
        record,
        id=f"resilience::{experiment_id}",
        title=experiment_id,
        items=tuple(dict.fromkeys(each.item for each in result.evidence)),
        verdict=result.outcome if failed is None else "failed",
        why=result.why or failed or "",
        replay=next((each.replay for each in result.evidence if each.replay), ""),
    )


def scenario_facts(name: str, tried: TriedScenario, *, replay: str) -> Mapping[str, Any]:
    """Return what a scenario came to."""
    from pytest_resilience.report.timeline import timeline

    verdict = tried.verdict
    run = timeline(
        tried.record,
        id=name,
        title=tried.scenario.title,
        items=tried.scenario.proves,
        verdict=verdict.word,
        why=verdict.why or "",
        replay=replay,
    )
    faults = [
        {
            "on": fault.order.on,
            "kind": fault.order.kind,
            "fired": [
                {"at": round(hit.at, 3), "connection": hit.connection, "message": hit.message}
                for hit in fault.receipts
            ],
        }
        for fault in tried.record.faults
    ]
    return {
        "scenario": {
            "id": name,
            "verdict": verdict.word,
            "why": verdict.why,
            "replay": replay,
            "faults": faults,
        },
        "proves": list(tried.scenario.proves),
        "workload": tried.scenario.workload,
        "run": asdict(run),
    }


def untried_scenario_facts(name: str, scenario: Scenario, *, why: str, replay: str) -> Mapping[str, Any]:
    """Return of a scenario that we could not try that it proves nothing."""
    faults: list[dict[str, Any]] = [
        {"on": order.on, "kind": order.kind, "fired": []} for order in scenario.faults
    ]
    return {
        "scenario": {"id": name, "verdict": "unproven", "why": why, "replay": replay, "faults": faults},
        "proves": list(scenario.proves),
        "workload": scenario.workload,
    }
