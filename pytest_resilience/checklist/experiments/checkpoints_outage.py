"""A web service that is lost, or refuses, in the middle of a major operation, and is back for the start after that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.points.of_http import changes
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.checklist.experiments.checkpoints_kill import ITEM, Resumed
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.places import places
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.service_faults import LASTS
from pytest_resilience.checklist.judges.deliveries import GIVEN_UP, undelivered
from pytest_resilience.checklist.judges.proof import missing_proof
from pytest_resilience.checklist.thresholds import BLOCKED_DEADLINES
from pytest_resilience.checklist.verdict import Evidence

UNAUTHORIZED = 401
"""It says nothing against the request: with another token it would be done (RFC 9110, 15.5.2)."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A job whose requests a web service does not take, for longer than any retry lasts, and then takes.

    Single faults pass, and retries hide what becomes of a request that is given up.

    Args:
        resumed: the workload, with the service as what is asked.
        name: `lost-for-good` or `refused-for-good`.
        title: the same in words.
        order: the fault.
    """

    resumed: Resumed
    name: str
    title: str
    order: FaultOrder

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service."""
        return f"{ITEM}::{self.resumed.workload}::{self.resumed.service}::{self.name}"

    def run(self) -> ExperimentResult:
        """Let the first start meet the fault, and the next one nothing."""
        laboratory, clean = self.resumed.laboratory, self.resumed.clean
        plan = laboratory.plan(
            self.resumed.workload, [self.order], patience=BLOCKED_DEADLINES, again=True, prompt=True
        )
        with laboratory.trial(laboratory.masked(plan, clean), self.id) as trial:
            record = trial.record
        return result_of([self._judged(record, clean)], record)

    def _judged(self, record: RunRecord, clean: CleanRun) -> Evidence:
        case, service = self.resumed.case(self.id), self.resumed.service
        if missing := missing_proof(record, service=service, clean=clean.record):
            return case.unproven(*missing)
        if len(record.processes) < 2:
            why = f"{self.title}: it had not ended at twice its deadline, and was not started again"
            return case.unproven(
                why, "give up in time: a time-out and a bound on retries, below the deadline"
            )
        if record.exit_code != 0:
            why = f"{self.title}: started again when that was over, it ends with status {record.exit_code}"
            return case.failed(why, "let the next start go on with what the last one could not send")
        wrongs = tuple(undelivered(record, clean))
        return case.failed(f"{self.title}: {'; '.join(wrongs)}", GIVEN_UP) if wrongs else case.passed()


def asks_for_change(point: FaultPoint) -> bool:
    """Tell whether a web service is asked to change something there."""
    return point.protocol == "http" and changes(point.message)


def given_up(resumed: Resumed, service: str) -> Iterator[GivenUp]:
    """Yield a loss and a refusal at the middle one of the requests by which a service is asked for a change."""
    clean = resumed.clean
    where = places(clean, service)
    asked = [point for point in where.calls if asks_for_change(point)]
    if service in clean.record.states or not asked:
        return
    point = asked[len(asked) // 2]
    own = replace(resumed, service=service)
    at = f"from {point.message} number {point.nth} on"
    yield GivenUp(own, "lost-for-good", f"{service} was lost {at}", where.order(point.when, "down"))
    refusal = where.order(point.when, "respond", seconds=LASTS, status=UNAUTHORIZED)
    yield GivenUp(own, "refused-for-good", f"{service} answered {UNAUTHORIZED} {at}", refusal)
