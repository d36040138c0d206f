"""Deployments of models one of whose calls fails: they go back by themselves, or finish all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.points.of_http import changes
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.state.registry import RegistryState
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.result import result_of
from pytest_resilience.checklist.experiments.rollback_undoing import without_own
from pytest_resilience.checklist.experiments.service_faults import LASTS
from pytest_resilience.checklist.judges import deployments, rollback
from pytest_resilience.checklist.judges.case import subject_of
from pytest_resilience.checklist.judges.deployments import Deployment, States, is_move
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.thresholds import BLOCKED_DEADLINES

ITEM = rollback.ITEM
DENIED = "42501"
"""PostgreSQL documentation, appendix A: insufficient privilege, which nobody tries again."""
MOST_MOVES, MOST_BEFORE, MOST_CHECKS, MOST_WRITES, MOST_COMMITS = 4, 3, 6, 4, 3
"""What is failed alone: requests that move a model, before and after its first move, statements, and commits."""
_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "CREATE", "ALTER", "DROP")


@dataclass(frozen=True, slots=True)
class FailingStep:
    """A deployment one of whose calls is refused, or done and its reply lost, and nothing else.

    A refusal is not tried again, so that the deployment fails; what it sends to go back is let through. What is asked
    for only once the new version serves, as by a health check, stays refused. Whoever remembers what there is to take
    back once that was answered forgets what was done and not answered.

    Args:
        laboratory: where runs are made.
        workload: its name.
        point: the call, or its reply.
        stays: whether it is refused each time from there.
    """

    laboratory: Laboratory
    workload: str
    point: FaultPoint
    stays: bool = False

    @property
    def item(self) -> str:
        """The item that it stands under."""
        return ITEM

    @property
    def id(self) -> str:
        """The item, the workload, the service and the call."""
        return f"{ITEM}::{self.workload}::{self.point.service}::by-itself-{self.point.id}"

    def run(self) -> ExperimentResult:
        """Deploy once, and see what is left."""
        clean = self.laboratory.clean(self.workload)
        plan = self.laboratory.plan(
            self.workload,
            [self._order],
            workload=replace(clean.workload, resume="none"),
            patience=BLOCKED_DEADLINES,
            prompt=True,
        )
        deployment = deployment_of(clean)
        with self.laboratory.trial(self.laboratory.masked(plan, clean), self.id) as trial:
            told = deployments.judge(
                trial.record,
                clean=clean.record,
                workload=clean.workload,
                deployment=deployment,
                seen=_comparable(trial.record.states, deployment.before),
                replay=replay_of(self.id),
            )
        done = "done, and its reply lost" if self.point.side == "reply" else "refused"
        title = f"{self.point.message} number {self.point.nth} on {self.point.service} {done}"
        subject = subject_of(self.workload, ", ".join(deployment.before))
        told = replace(told, subject=subject, why=told.why and f"{title}: {told.why}")
        return result_of([told], trial.record)

    @property
    def _order(self) -> FaultOrder:
        seconds = LASTS if self.stays else None
        if self.point.side == "reply":
            return FaultOrder(on=self.point.service, when=self.point.when, kind="cut")
        if self.point.protocol == "postgres":
            attributes, kind = {"sqlstate": DENIED, "message": "permission denied"}, "error"
            return FaultOrder(on=self.point.service, when=self.point.when, kind=kind, attributes=attributes)
        body = {"error_code": "PERMISSION_DENIED", "message": "Permission denied"}
        return FaultOrder(
            on=self.point.service,
            when=self.point.when,
            kind="respond",
            attributes={"status": 403, "body": body},
            seconds=seconds,
        )


def failing_steps(laboratory: Laboratory, clean: CleanRun) -> Iterator[FailingStep]:
    """Yield the calls of a deployment that are refused, each alone; of a workload that deploys no model none."""
    if clean.workload.shape == "server" or not (moved := deployment_of(clean).moves):
        return
    name, kinds = clean.workload.name, laboratory.configuration.services
    registries = {service for service, _, _ in moved}
    for service in clean.workload.uses:
        points = clean.recording.of(service)
        asked = [point for point in points if point.side == "request"]
        if service in registries:
            yield from (FailingStep(laboratory, name, *step) for step in steps_of_registry(asked))
            moves = [point for point in points if point.side == "reply" and is_move(point.message)]
            yield from (FailingStep(laboratory, name, point) for point in moves[:MOST_MOVES])
        elif kinds[service].kind == "postgres":
            yield from (FailingStep(laboratory, name, point) for point in steps_of_database(points))
        else:
            others = _one_of_each(asked)[-MOST_CHECKS:]
            yield from (FailingStep(laboratory, name, point, stays=True) for point in others)


def steps_of_registry(asked: Sequence[FaultPoint]) -> list[tuple[FaultPoint, bool]]:
    """Return the requests to a registry that are refused, and whether they stay so.

    Args:
        asked: all requests, in their order.
    """
    moves = [point for point in asked if is_move(point.message)]
    if not moves:
        return []
    first = asked.index(moves[0])
    before, known = asked[:first], {point.message for point in asked[:first]}
    later = _one_of_each([point for point in asked[first:] if point not in moves])
    written = _one_of_each([point for point in before if changes(point.message)])
    chosen = dict.fromkeys((*written[-MOST_BEFORE:], *moves[:MOST_MOVES]), False)
    chosen |= {
        point: point.message not in known and not changes(point.message) for point in later[:MOST_CHECKS]
    }
    return sorted(chosen.items(), key=lambda step: asked.index(step[0]))


def steps_of_database(points: Sequence[FaultPoint]) -> list[FaultPoint]:
    """Return the statements that are refused, and those whose replies are lost once all they did is committed.

    Args:
        points: all, in their order.
    """
    writes = [point for point in points if point.message.startswith(_WRITES)]
    refused = _one_of_each([point for point in writes if point.side == "request"])[-MOST_WRITES:]
    alone = _one_of_each([point for point in writes if point.side == "reply" and point.transaction == "I"])
    commits = [point for point in points if point.is_commit]
    ends = [
        [point for point in commits if point.side == side][-MOST_COMMITS:] for side in ("request", "reply")
    ]
    return sorted((*refused, *alone[-MOST_WRITES:], *ends[0], *ends[1]), key=points.index)


def _one_of_each(points: Sequence[FaultPoint]) -> list[FaultPoint]:
    found: dict[tuple[str, ...], FaultPoint] = {}
    for point in points:
        found.setdefault(point.kind_of_place, point)
    return list(found.values())


def deployment_of(clean: CleanRun) -> Deployment:
    """Return what a workload changes in the services that a rollback has to restore."""
    snapshot = clean.workload.snapshot or tuple(clean.record.states)
    before = {name: clean.begin[name] for name in snapshot if name in clean.begin}
    return Deployment(_comparable(before, before), _comparable(clean.record.states, before))


def _comparable(states: States, before: States) -> States:
    return {
        name: state if isinstance(state, RegistryState) else without_own(state)
        for name, state in states.items()
        if name in before
    }
