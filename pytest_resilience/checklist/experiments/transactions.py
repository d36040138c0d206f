"""Which databases are asked for transactions: that they hold, the single faults at each statement show."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.experiments.experiment import Experiment
from pytest_resilience.checklist.experiments.said import Said, no_services, no_traffic
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges import transactions
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import missing_path, uses

ITEM = transactions.ITEM
UNREADABLE = (
    "its conversation with the database cannot be read, so it cannot be cut between two statements",
    "let it speak plainly to the proxy, or declare tls = true for the service",
)


def databases(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield, for each workload and database that are not tried statement by statement, why not."""
    for clean in working(laboratory):
        name, services = clean.workload.name, laboratory.configuration.services
        own = [used for used in clean.workload.uses if services[used].kind == "postgres"]
        if not clean.workload.uses:
            yield no_services(ITEM, name, [ITEM])
        elif not own:
            case = Case(item=ITEM, subject=subject_of(name))
            yield Said(f"{ITEM}::{name}::no-database", (case.not_applicable("it uses no database"),))
        for service in own:
            yield from _database(clean, service)


def _database(clean: CleanRun, service: str) -> Iterator[Experiment]:
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
