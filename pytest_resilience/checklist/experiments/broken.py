"""What stands in for the experiments on a workload that does not work undisturbed."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.verdict import Evidence

ITEMS = (
    "external-calls",
    "backoff",
    "transactions",
    "checkpoints",
    "structured-logs",
    "alerts",
    "rollback",
    "breakers",
    "messages",
)
"""The items that are judged by runs of workloads."""
_PLAIN = (
    ' Where it works by hand, set start = "plain": with "prepared" third-party modules are loaded before its own '
    "environment and folder are set, and some keep what they found then (gunicorn its folder)."
)


@dataclass(frozen=True, slots=True)
class NothingToBreak:
    """A workload on which nothing can be tried, and why.

    Args:
        workload: its name.
        why: the reason.
        record: its clean run; none where there is none.
        prepared: whether it is forked from a process that has third-party modules loaded.
    """

    workload: str
    why: str
    record: RunRecord | None = None
    prepared: bool = False

    @property
    def item(self) -> str:
        """The item that it stands under, for all."""
        return "external-calls"

    @property
    def id(self) -> str:
        """The item, and the workload."""
        return f"{self.item}::{self.workload}::clean"

    def run(self) -> ExperimentResult:
        """Say that nothing is proven."""
        fix = (
            f"Run the workload {self.workload} by hand with the declared environment until it works, "
            f"then run the checklist again.{_PLAIN if self.prepared else ''}"
        )
        return ExperimentResult(
            outcome="unproven",
            why=self.why,
            evidence=tuple(
                Evidence(
                    item=item,
                    kind="dynamic",
                    subject=f"workload {self.workload}",
                    outcome="unproven",
                    why=self.why,
                    fix=fix,
                    replay="pytest --chaos --checklist",
                )
                for item in ITEMS
            ),
            record=self.record,
        )
