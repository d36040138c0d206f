"""What is tried with a major operation besides one kill at each message: two kills, kills at files, damaged files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.checklist.experiments.checkpoints_damage import DamagedFiles
from pytest_resilience.checklist.experiments.checkpoints_files import KillsAtFiles
from pytest_resilience.checklist.experiments.checkpoints_kill import ITEM, Resumed
from pytest_resilience.checklist.experiments.checkpoints_outage import asks_for_change, given_up
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.said import Said
from pytest_resilience.checklist.experiments.single_fault import kills_ask_for_checkpoints
from pytest_resilience.checklist.experiments.transactions import UNREADABLE
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges import checkpoints
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import missing_path, uses
from pytest_resilience.checklist.records.writes import sent

MOST_TWICE = 6
"""Points at which a workload is killed, and killed again when it is resumed."""
RERUN = 'declare resume = "rerun", so that the same command is started again'


@dataclass(frozen=True, slots=True)
class KilledTwice:
    """A kill, and another one when the restart comes by the same kind of message.

    Args:
        resumed: the workload.
        point: where it is killed first.
    """

    resumed: Resumed
    point: FaultPoint

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service, and the first point."""
        return f"{ITEM}::{self.resumed.workload}::{self.point.service}::{self.point.id}-kill-twice"

    def run(self) -> ExperimentResult:
        """Kill, resume, kill, resume."""
        first = FaultOrder(on=self.point.service, when=self.point.when, kind="kill")
        again = replace(first, when=replace(first.when, nth=first.when.nth + 1))
        plan = self.resumed.laboratory.plan(self.resumed.workload, [first, again])
        record, found = self.resumed.run(plan, self.id)
        times = sum(process.killed for process in record.processes)
        where = (
            f"killed {'twice' if times > 1 else 'once'} at {self.point.message}, from number {self.point.nth}"
        )
        return result_of([self.resumed.judge(record, found, where, self.id)], record)


def kills(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield what is tried with each workload that is a major operation, and why nothing is with the others."""
    for clean in working(laboratory):
        service = checkpoints.resumable(clean.record, clean.workload)
        if service is None or not kills_ask_for_checkpoints(clean):
            yield _said(clean)
            continue
        resumed = Resumed(laboratory, clean.workload.name, service)
        yield from (KilledTwice(resumed, point) for point in _points(clean, service))
        yield KillsAtFiles(resumed)
        yield DamagedFiles(resumed, _middle(clean, service))
        for used in clean.workload.uses:
            yield from given_up(resumed, used)


def _said(clean: CleanRun) -> Said:
    """Say why checkpoints are not asked for, or cannot be tried."""
    name = clean.workload.name
    case = Case(item=ITEM, subject=subject_of(name), replay="pytest --chaos --checklist")
    if (missing := _missing(clean)) is not None and clean.workload.major_operation:
        return Said(f"{ITEM}::{name}", (case.unproven(*missing),))
    reason = _not_asked(clean)
    if reason is None:
        return Said(f"{ITEM}::{name}", (case.unproven("nobody starts it again after a kill", RERUN),))
    return Said(f"{ITEM}::{name}", (replace(case, replay="").not_applicable(reason),))


def _missing(clean: CleanRun) -> tuple[str, str] | None:
    """Return why nobody can tell whether it has something to resume."""
    record = clean.record
    if missing := missing_path(record):
        return missing
    if not record.states and not any(sent(record, name) for name in clean.workload.uses):
        fix = "declare the database, the registry or the web service that it writes to as a service that it uses"
        return "it writes to no service whose state, or whose requests, can be compared", fix
    unread = [name for name in record.states if not clean.recording.of(name) and uses(record, name)]
    return UNREADABLE if unread else None


def _not_asked(clean: CleanRun) -> str | None:
    declared = clean.workload
    if not declared.major_operation:
        return f"{declared.name} is not declared as a major operation"
    if checkpoints.resumable(clean.record, declared) is None:
        return "all that it writes is one transaction: there is nothing to resume"
    if declared.shape != "job":
        return f"it is a {declared.shape}, whose operations are short: only a job is resumed"
    return None


def _points(clean: CleanRun, service: str) -> list[FaultPoint]:
    """Return the middle point of each kind of place in a transaction, and of the commits."""
    kinds: dict[tuple[str, ...], list[FaultPoint]] = {}
    for point in clean.recording.of(service):
        if _ends_a_unit(point) or point.transaction == "T":
            kinds.setdefault(point.kind_of_place, []).append(point)
    middles = [points[(len(points) - 1) // 2] for points in kinds.values() if len(points) > 1]
    middles.sort(key=lambda point: not _ends_a_unit(point))
    return middles[:MOST_TWICE]


def _ends_a_unit(point: FaultPoint) -> bool:
    """Whether it is a commit, or a web service is asked to change something."""
    return point.is_commit or asks_for_change(point)


def _middle(clean: CleanRun, service: str) -> FaultPoint:
    """Return the reply to the commit in the middle, or, where there are none, to the message in the middle."""
    replies = [point for point in clean.recording.of(service) if point.side == "reply"]
    commits = [point for point in replies if _ends_a_unit(point)]
    chosen = commits or replies or list(clean.recording.of(service))
    return chosen[(len(chosen) - 1) // 2]
