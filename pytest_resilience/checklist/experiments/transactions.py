"""Which databases are asked for transactions. Single faults show that they hold; one here outlasts retries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.in_time import trial_in_time
from pytest_resilience.checklist.experiments.places import places
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.said import Said, no_services, no_traffic
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges import transactions
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.external_calls import is_blocked
from pytest_resilience.checklist.judges.proof import missing_path, uses
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.thresholds import BLOCKED_DEADLINES

ITEM = transactions.ITEM
UNREADABLE = (
    "its conversation with the database cannot be read, so it cannot be cut between two statements",
    "let it speak plainly to the proxy, or declare tls = true for the service",
)
_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY")


@dataclass(frozen=True, slots=True)
class LostForGood:
    """A job or a function whose database is lost in the middle of its work, for longer than any retry lasts.

    Single faults pass, and retries hide what becomes of the work once these are over.

    Args:
        laboratory: where runs are made.
        workload: its name.
        service: the database.
    """

    laboratory: Laboratory
    workload: str
    service: str

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service."""
        return f"{ITEM}::{self.workload}::{self.service}::lost-for-good"

    def run(self) -> ExperimentResult:
        """Lose the database at a middle write; bring it back for the start after that, where one is declared."""
        clean = self.laboratory.clean(self.workload)
        plan = self.laboratory.plan(
            self.workload,
            [_lost_at_work(clean, self.service)],
            states=True,
            patience=BLOCKED_DEADLINES,
            again=clean.workload.resume == "rerun",
        )
        plan, late = self.laboratory.masked(plan, clean), partial(is_blocked, workload=clean.workload)
        with trial_in_time(self.laboratory, plan, self.id, late=late) as trial:
            told = transactions.judge_outage(
                trial.record,
                clean=clean.record,
                workload=clean.workload,
                service=self.service,
                replay=replay_of(self.id),
            )
            return result_of([told], trial.record)


def databases(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield a lasting outage for each workload and database, or why it is not tried statement by statement."""
    for clean in working(laboratory):
        name, services = clean.workload.name, laboratory.configuration.services
        own = [used for used in clean.workload.uses if services[used].kind == "postgres"]
        if not clean.workload.uses:
            yield no_services(ITEM, name, [ITEM])
        elif not own:
            case = Case(item=ITEM, subject=subject_of(name))
            yield Said(f"{ITEM}::{name}::no-database", (case.not_applicable("it uses no database"),))
        for service in own:
            yield from _database(laboratory, clean, service)


def _database(laboratory: Laboratory, clean: CleanRun, service: str) -> Iterator[Experiment]:
    name = clean.workload.name
    replay = "pytest --chaos --checklist"
    case = Case(item=ITEM, subject=subject_of(name, service), replay=replay)
    if missing := missing_path(clean.record):
        yield Said(f"{ITEM}::{name}::{service}", (case.unproven(*missing),))
    elif not uses(clean.record, service):
        yield no_traffic(ITEM, name, service, [ITEM])
    elif not clean.recording.of(service):
        yield Said(f"{ITEM}::{name}::{service}", (case.unproven(*UNREADABLE),))
    elif reason := transactions.why_not_asked(clean.record, workload=clean.workload, service=service):
        plain = Case(item=ITEM, subject=case.subject)
        yield Said(f"{ITEM}::{name}::{service}", (plain.not_applicable(reason),))
    elif clean.workload.shape != "server":
        yield LostForGood(laboratory, name, service)


def _lost_at_work(clean: CleanRun, service: str) -> FaultOrder:
    """Return the order of an outage that lasts from a middle write on, or, where none can be told, a middle call."""
    where = places(clean, service)
    points = [point for point in where.calls if point.message.startswith(_WRITES)] or where.calls
    return where.order(points[len(points) // 2].when, "down")
