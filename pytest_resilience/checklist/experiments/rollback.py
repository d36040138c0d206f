"""The declared rollback, tried after the change was broken off at each of its steps, and after all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.rollback_by_itself import failing_steps
from pytest_resilience.checklist.experiments.rollback_undoing import Change, Undone
from pytest_resilience.checklist.experiments.said import Said
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges import rollback
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import missing_path, uses, worked
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.verdict import Evidence

ITEM = rollback.ITEM
MOST_STEPS = 16
"""Steps at which a change is broken off: half of them commits, and some of each kind of place."""


@dataclass(frozen=True, slots=True)
class Undo:
    """One change, broken off, undone twice, and made again.

    Args:
        change: the workload.
        point: where it is killed; none lets it come to its end.
        without: a service that stays away while the change is undone; none where all are there.
    """

    change: Change
    point: FaultPoint | None = None
    without: str | None = None

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service, and the step."""
        service = self.point.service if self.point is not None else self.change.snapshot[0]
        step = self.point.id if self.point is not None else "end"
        away = f"-without-{self.without}" if self.without is not None else ""
        return f"{ITEM}::{self.change.workload}::{service}::{step}{away}"

    def run(self) -> ExperimentResult:
        """Try it."""
        still = (
            [] if self.without is None else [FaultOrder(on=self.without, when=When(start=True), kind="down")]
        )
        undone = self.change.undo(self._step, self._faults, still=still)
        evidence = self._evidence(undone)
        failed_back = undone.undoing.rollback.exit_code != 0
        return result_of([evidence], undone.rollback if failed_back else undone.change)

    def _evidence(self, undone: Undone) -> Evidence:
        replay = replay_of(self.id)
        workload = self.change.clean.workload
        subject = subject_of(self.change.workload, ", ".join(self.change.snapshot))
        case = Case(item=ITEM, subject=subject, replay=replay)
        evidence = rollback.judge(undone.undoing, workload=workload, changes=True, replay=replay)
        for record in (undone.change, undone.rollback, undone.forward):
            if (missing := missing_path(record)) is not None:
                return case.unproven(*missing)
        if evidence.outcome == "passed" and not worked(undone.forward):
            evidence = case.failed(
                f"made again after the rollback, the change fails with status {undone.forward.exit_code}",
                "undo it so that it can be made again",
            )
        why = evidence.why and f"after {self._step}: {evidence.why}"
        return replace(evidence, subject=subject, why=why)

    @property
    def _step(self) -> str:
        if self.point is None:
            step = "the whole change"
        else:
            side = "before" if self.point.side == "request" else "after"
            step = f"a kill {side} {self.point.message} number {self.point.nth} on {self.point.service}"
        return step if self.without is None else f"{step}, while {self.without} is down"

    @property
    def _faults(self) -> list[FaultOrder]:
        if self.point is None:
            return []
        return [FaultOrder(on=self.point.service, when=self.point.when, kind="kill")]


def rollbacks(laboratory: Laboratory) -> Iterator[Experiment]:
    """Yield what is tried with each workload's rollback, and why nothing is with the others."""
    for clean in working(laboratory):
        change = Change(laboratory, clean.workload.name)
        yield from failing_steps(laboratory, clean)
        said = _said(clean, change.snapshot)
        if said is not None:
            yield said
            continue
        yield Undo(change)
        points = steps(clean.recording.points)
        yield from (Undo(change, point) for point in points)
        others = [
            name for name in clean.workload.uses if name not in change.snapshot and uses(clean.record, name)
        ]
        middle = points[len(points) // 2] if points else None
        yield from (Undo(change, middle, other) for other in others)


def _said(clean: CleanRun, snapshot: Sequence[str]) -> Said | None:
    """Say why a rollback is not asked for, or cannot be tried; none where it can."""
    declared = clean.workload
    name = f"{ITEM}::{declared.name}"
    case = Case(item=ITEM, subject=subject_of(declared.name), replay="pytest --chaos --checklist")
    if missing := missing_path(clean.record):
        return Said(name, (case.unproven(*missing),))
    changes = _changes(clean, snapshot)
    if changes and declared.rollback is not None:
        return None
    reason = rollback.judge(None, workload=declared, changes=changes, replay=case.replay)
    if reason.outcome == "not-applicable":
        reason = replace(reason, replay="", why=_unchanged(snapshot))
    return Said(name, (replace(reason, subject=case.subject),))


def _unchanged(snapshot: Sequence[str]) -> str:
    if not snapshot:
        return "it uses no service that keeps state"
    return f"its undisturbed run changes no state of {', '.join(snapshot)}"


def _changes(clean: CleanRun, snapshot: Sequence[str]) -> bool:
    states, begin = clean.record.states, clean.begin
    return any(states.get(name) != begin.get(name) for name in snapshot)


def steps(points: Sequence[FaultPoint]) -> list[FaultPoint]:
    """Return where a change is broken off: at its commits, and once in each kind of place, in the order of the run."""
    kinds: dict[tuple[str, ...], list[FaultPoint]] = {}
    for point in points:
        kinds.setdefault(point.kind_of_place, []).append(point)
    commits = _spread([point for point in points if point.is_commit], MOST_STEPS // 2)
    middles = [found[(len(found) - 1) // 2] for found in kinds.values()]
    others = [point for point in middles if point not in commits]
    chosen = [*commits, *_spread(others, MOST_STEPS - len(commits))]
    return sorted(chosen, key=points.index)


def _spread(points: Sequence[FaultPoint], most: int) -> list[FaultPoint]:
    """Return at most so many, evenly."""
    if len(points) <= most:
        return list(points)
    return [points[number * len(points) // most] for number in range(most)]
