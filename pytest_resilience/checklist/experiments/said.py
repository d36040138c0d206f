"""What is known of a workload without a run of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.verdict import Evidence


@dataclass(frozen=True, slots=True)
class Said:
    """Evidence that stands already.

    Args:
        id: as an experiment's.
        evidence: what is said.
    """

    id: str
    evidence: tuple[Evidence, ...]

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return self.id.partition("::")[0]

    def run(self) -> ExperimentResult:
        """Say it."""
        return result_of(self.evidence)


def no_services(item: str, workload: str, items: Sequence[str]) -> Said:
    """Say of a workload that it declares no service that could fail."""
    why = f"workload {workload} declares that it uses no service"
    return Said(
        f"{item}::{workload}::no-services",
        tuple(Case(item=each, subject=subject_of(workload)).not_applicable(why) for each in items),
    )


def no_traffic(item: str, workload: str, service: str, items: Sequence[str]) -> Said:
    """Say of a workload that it never talked to a service that it declares to use."""
    return Said(
        f"{item}::{workload}::{service}::no-traffic",
        tuple(
            Case(
                item=each, subject=subject_of(workload, service), replay="pytest --chaos --checklist"
            ).unproven(
                f"the undisturbed run of {workload} had no traffic to {service} through the proxy",
                f"under services.{service}.env name the variable that the code reads, "
                "or take the service out of the workload's `uses`",
            )
            for each in items
        ),
    )
