"""Make runs of declared workloads, each in a sandbox of its own, and the clean ones once for the whole test run."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from pytest_resilience.chaos.configuration.model import Configuration, ExactlyOnce, WorkloadDeclaration
from pytest_resilience.chaos.laboratory.clean import CleanRun, keeps_its_pace, varying_requests, why_not
from pytest_resilience.chaos.laboratory.side_by_side import SideBySide
from pytest_resilience.chaos.laboratory.trial import Trial, trial_of
from pytest_resilience.chaos.points.recording import record_points
from pytest_resilience.chaos.run.arming.process import INNER
from pytest_resilience.chaos.run.exposure import has_come_to_rest
from pytest_resilience.chaos.run.look import Look, State
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.run.run import Run
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.state.exactly_once import KeySet, read_keys
from pytest_resilience.chaos.state.identifiers import read_identifiers
from pytest_resilience.chaos.state.named_table import NotThereError
from pytest_resilience.chaos.state.postgres import PostgresState, unstable_columns
from pytest_resilience.chaos.state.side import KEPT
from pytest_resilience.chaos.workload.control import Tweaks
from pytest_resilience.chaos.workload.preparation import Preparation
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.settled import Made

PATIENCE = 10.0
"""Seconds for the end of runs that were aborted."""


class RunAbortedError(HarnessError):
    """Say that a run was ended by Ctrl-C, or because enough is known."""


class Laboratory:
    """Make runs.

    Args:
        configuration: what the team declared.
        pool: the test run's servers.
        folder: the test run's folder.
        seed: what every random draw follows from.
    """

    def __init__(
        self, configuration: Configuration, pool: ServicePool, folder: RunFolder, *, seed: int
    ) -> None:
        self.configuration = configuration
        self.seed = seed
        self._pool = pool
        self.folder = folder
        self._clean: dict[str, CleanRun] = {}
        self._broken: dict[str, HarnessError] = {}
        self._cleaning = threading.Lock()
        self._preparations: dict[str, Preparation] = {}
        self._preparing = threading.Lock()
        self._running: set[Run] = set()
        self._side_by_side = SideBySide()
        self._aborted = False

    def workload(self, name: str) -> WorkloadDeclaration:
        """Return the declaration of a workload."""
        return self.configuration.workloads[name]

    def plan(self, name: str, faults: Sequence[FaultOrder] = (), **more: object) -> Plan:
        """Return a plan for a workload, on its time scale."""
        inside = any(order.kind in INNER for order in faults)
        tweaks = Tweaks(time_scale=self._scale(name), control=inside)
        clean = self._clean.get(name)
        usual = None if clean is None else clean.record.held
        plan = Plan(workload=self.workload(name), faults=tuple(faults), tweaks=tweaks, usual=usual)
        return replace(plan, **more)  # type: ignore[arg-type]

    def masked(self, plan: Plan, clean: CleanRun) -> Plan:
        """Return the plan with the columns masked that differ from run to run."""
        return replace(plan, workload=replace(plan.workload, mask=(*clean.mask, *clean.unstable)))

    @contextmanager
    def trial(self, plan: Plan, title: str) -> Iterator[Trial]:
        """Make a run of a plan, and keep its services until the block ends.

        Raises:
            HarnessError: something of ours did not work.
            RunAbortedError: the run was aborted.
        """
        with self.sandbox(plan.workload.uses, title) as sandbox:
            record, clean = self.run_in(sandbox, plan), self._clean.get(plan.workload.name)
            identifiers = {} if clean is None else clean.identifiers
            yield trial_of(record, sandbox, uses=plan.workload.uses, identifiers=identifiers)

    @contextmanager
    def sandbox(self, services: Collection[str], title: str) -> Iterator[Sandbox]:
        """Keep services for as many runs as the block makes, one after the other.

        Raises:
            HarnessError: something of ours did not work.
        """
        sandbox = Sandbox(self._pool, title, self.configuration, fresh_registry=True)
        kept = ExitStack()
        try:
            for handle in Look(sandbox).databases(services):
                kept.enter_context(KEPT.open(handle.direct_dsn))
            yield sandbox
        finally:
            kept.close()
            sandbox.close()

    def run_in(self, sandbox: Sandbox, plan: Plan) -> RunRecord:
        """Make a run in a sandbox that is there already: it finds what the one before has left.

        Raises:
            HarnessError: something of ours did not work.
            RunAbortedError: the run was aborted.
        """
        run = Run(
            plan,
            sandbox,
            configuration=self.configuration,
            folder=self.folder,
            preparation=self._preparation(plan.workload),
        )
        return self._go(run)

    def side_by_side(self, makers: Sequence[Callable[[], Made]]) -> list[Made]:
        """Return what each makes, in their order, a few of them at once; for runs that do not need one another.

        Raises:
            Exception: what the first of them raised that raised something.
        """
        return self._side_by_side.results(makers)

    def clean(self, name: str) -> CleanRun:
        """Return the clean run of a workload, made once in the whole test run.

        Raises:
            HarnessError: something of ours did not work.
        """
        with self._cleaning:
            if name in self._broken:
                raise self._broken[name]
            if name not in self._clean:
                try:
                    self._clean[name] = self.shared(f"clean-{name}", lambda: self._make_clean(name))
                except HarnessError as error:
                    self._broken[name] = error
                    raise
        return self._clean[name]

    @property
    def identifiers(self) -> tuple[str, ...]:
        """What tells who a patient is in the databases of the clean runs so far."""
        return tuple(value for clean in list(self._clean.values()) for value in clean.identifiers.values())

    def shared(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what `make` returned to the first process of the test run that asked for `name`."""
        file = self.folder.folder("shared") / f"{name}.pickle"

        def keep() -> dict[str, str]:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                pickle.dump(make(), stream)
            return {}  # that it was made is all there is to say

        self.folder.once(name, keep)
        # it was written by this test run, into its private folder
        made: Made = pickle.loads(file.read_bytes())  # noqa: S301
        return made

    def abort(self) -> None:
        """End all runs that are under way, and begin no other."""
        self._aborted = True
        for run in tuple(self._running):
            run.abort()

    def close(self) -> None:
        """End what was started for all runs."""
        self.abort()
        self._side_by_side.join(PATIENCE)
        for preparation in self._preparations.values():
            preparation.close()

    def _preparation(self, workload: WorkloadDeclaration) -> Preparation | None:
        if workload.start != "prepared":
            return None
        with self._preparing:
            if workload.name not in self._preparations:
                own = tuple(package.partition(".")[0] for package in self.configuration.packages)
                self._preparations[workload.name] = Preparation(self.folder, own=own)
            return self._preparations[workload.name]

    def _scale(self, name: str) -> float:
        """Return how much faster a workload's waits run: as declared, unless its clean run keeps its own pace."""
        clean = self._clean.get(name)
        return self.configuration.time_scale if clean is None else clean.record.time_scale

    def _go(self, run: Run) -> RunRecord:
        self._running.add(run)
        try:
            if self._aborted:
                raise RunAbortedError("the test run is being ended")
            record = run.go()
        finally:
            self._running.discard(run)
        if self._aborted:
            raise RunAbortedError("the run was ended before its end")
        return record

    def _make_clean(self, name: str) -> CleanRun:
        """Run twice, which shows the columns that differ from run to run; where some do, once more without them."""
        declaration, scale = self.workload(name), self.configuration.time_scale
        first = self._observe(declaration, scale, boundaries=False)
        if scale != 1.0 and keeps_its_pace(first.record):
            scale = 1.0
            first = self._observe(declaration, scale, boundaries=False)
        if first.why_not is not None:
            return first
        second = self._observe(declaration, scale, boundaries=True)
        varying = varying_requests(first.record, second.record)
        recording = second.recording.also_in(first.recording)
        unstable = _unstable(first.record, second.record)
        if not unstable or second.why_not is not None:
            return replace(second, varying=varying, recording=recording)
        masked = replace(declaration, mask=(*declaration.mask, *unstable))
        third = self._observe(masked, scale, boundaries=True)
        recording = third.recording.also_in(recording)
        return replace(third, workload=declaration, unstable=unstable, varying=varying, recording=recording)

    def _observe(self, declaration: WorkloadDeclaration, scale: float, *, boundaries: bool) -> CleanRun:
        kinds = {used: self.configuration.services[used].kind for used in declaration.uses}
        plan = Plan(
            workload=declaration,
            tweaks=Tweaks(time_scale=scale),
            boundaries=boundaries,
            rests=has_come_to_rest([used for used, kind in kinds.items() if kind == "http"]),
        )
        with self.sandbox(declaration.uses, f"clean run of {declaration.name}") as sandbox:
            begin, look = self._registries(sandbox, declaration), Look(sandbox)
            before = _keys_before(look, [promise for promise in declaration.exactly_once if promise.rows])
            record = self.run_in(sandbox, plan)
            begin |= {service: states[0] for service, states in record.boundaries.items() if states}
            promises = [promise for promise in declaration.exactly_once if promise.rows is None]
            keys = {promise.table: read_keys(look.dsn(promise.service), promise) for promise in promises}
            identifiers = self._identifiers(declaration, look)
        return CleanRun(
            workload=declaration,
            record=record,
            recording=record_points(declaration.name, record.messages, kinds),
            begin=begin,
            mask=declaration.mask,
            keys=keys,
            keys_before=before,
            identifiers=identifiers,
            why_not=why_not(declaration, record),
        )

    def _identifiers(self, declaration: WorkloadDeclaration, look: Look) -> dict[str, str]:
        kinds = self.configuration.services
        databases = [name for name in declaration.uses if kinds[name].kind == "postgres"]
        return {
            f"{where} on {name}": value
            for name in databases
            for where, value in read_identifiers(look.dsn(name)).items()
        }

    def _registries(self, sandbox: Sandbox, declaration: WorkloadDeclaration) -> dict[str, State]:
        """Return the states at the beginning that no commit boundary shows."""
        kinds = self.configuration.services
        return Look(sandbox).states([name for name in declaration.uses if kinds[name].kind != "postgres"])


def _keys_before(look: Look, promises: Iterable[ExactlyOnce]) -> dict[str, KeySet]:
    """Return the keys that are there before anything ran; a table that is made later has none."""
    keys: dict[str, KeySet] = {}
    for promise in promises:
        with suppress(NotThereError):
            keys[promise.table] = read_keys(look.dsn(promise.service), promise)
    return keys


def _unstable(first: RunRecord, second: RunRecord) -> tuple[str, ...]:
    found: list[str] = []
    for service, state in first.states.items():
        other = second.states.get(service)
        if isinstance(state, PostgresState) and isinstance(other, PostgresState):
            found.extend(unstable_columns(state, other))
    return tuple(found)
