"""One run: a workload in a sandbox, its faults, and the record of what was seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.run.alerts import alert_records
from pytest_resilience.chaos.run.arming.arm import arm
from pytest_resilience.chaos.run.arming.armed import Armed
from pytest_resilience.chaos.run.arming.held import HeldMessages
from pytest_resilience.chaos.run.arming.process import ProcessFault
from pytest_resilience.chaos.run.boundaries import Boundaries
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.dead_endpoints import DeadEndpoints, count
from pytest_resilience.chaos.run.leftovers import Leftovers
from pytest_resilience.chaos.run.life import Life
from pytest_resilience.chaos.run.look import Look
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import CheckRecord, RunRecord
from pytest_resilience.chaos.run.recovery import Recovery
from pytest_resilience.chaos.run.scaled import scaled, scaled_line
from pytest_resilience.chaos.run.service import Service
from pytest_resilience.chaos.run.services import addresses_of, ports_of, services_of
from pytest_resilience.chaos.run.traffic import Traffic
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.chaos.state.atomic import AtomicWatch
from pytest_resilience.chaos.state.postgres import read_state
from pytest_resilience.chaos.workload.bypass import BypassWatcher
from pytest_resilience.chaos.workload.preparation import Preparation
from pytest_resilience.chaos.workload.workload import Workload
from pytest_resilience.services.run_folder import RunFolder


class Run:
    """One run of a plan; `go` once.

    Args:
        plan: what it is to do.
        sandbox: what it has to itself; stays open, so that its services can be asked afterwards.
        configuration: what the team declared.
        folder: the test run's.
        preparation: what makes its starts quick; none starts plainly.
    """

    def __init__(
        self,
        plan: Plan,
        sandbox: Sandbox,
        *,
        configuration: Configuration,
        folder: RunFolder,
        preparation: Preparation | None = None,
    ) -> None:
        self._plan = plan
        self._sandbox = sandbox
        self._configuration = configuration
        self._folder = folder
        self._preparation = preparation
        self._abort = threading.Event()
        self._between: list[Mapping[str, Any]] = []
        self._armed: list[Armed] = []
        self._answers: dict[Any, CheckRecord] = {}
        self._endpoints: DeadEndpoints | None = None

    def abort(self) -> None:
        """Let the run end as soon as it can, from another thread."""
        self._abort.set()
        workload = getattr(self, "_workload", None)
        if workload is not None and workload.runs:
            workload.give_up()

    def go(self) -> RunRecord:
        """Run, and return what was seen.

        Raises:
            HarnessError: something of ours did not work, so that nothing is known.
        """
        with ExitStack() as undo:
            self._prepare(undo)
            began = time.monotonic()
            before = self._check_before()
            try:
                self._live()
            finally:
                self._heal()
            return self._record(before, time.monotonic() - began)

    def _prepare(self, undo: ExitStack) -> None:
        plan, sandbox = self._plan, self._sandbox
        self._names = services_of(plan)
        handles = {name: sandbox.service(name) for name in self._names}
        self._clock = RunClock.beside(sandbox.engine().started(), scale=plan.tweaks.time_scale)
        self._workload = Workload(
            plan.workload,
            folder=sandbox.folder,
            environment=sandbox.environment(self._names),
            run=self._folder,
            logs=self._configuration.logs,
            began=self._clock.began,
            tweaks=plan.tweaks,
            preparation=self._preparation,
            rests=plan.workload.shape == "function" and bool(Look(sandbox).databases(self._names)),
        )
        undo.callback(self._workload.close)
        if plan.file_events is not None:
            self._workload.inside.file_events(plan.file_events)
        self._look = Look(sandbox, self._workload)
        self._services = {name: handle.proxied for name, handle in handles.items()}
        self._traffic = Traffic(self._services, self._clock)
        self._traffic.begin()
        undo.callback(self._traffic.stop)
        self._held = HeldMessages(sandbox.engine())
        undo.callback(self._held.close)
        databases = self._look.databases(self._names)
        self._leftovers = Leftovers(plan, self._workload, databases, self._armed, self._abort.is_set)
        self._watches = [undo.enter_context(watch) for watch in self._atomic_watches()]
        self._boundaries = self._begin_boundaries()
        self._recovery = Recovery(plan, self._look, self._clock)
        self._bypasses = BypassWatcher(
            self._workload.pids,
            addresses_of(sandbox, self._names),
            ours=ports_of(sandbox, self._names),
        )
        undo.callback(self._bypasses.stop)

    def _atomic_watches(self) -> list[AtomicWatch]:
        statements: dict[str, list[str]] = {}
        for atomic in self._plan.workload.atomic:
            statements.setdefault(atomic.service, []).append(atomic.sql)
        return [
            AtomicWatch(self._look.dsn(service), found, now=self._clock.now)
            for service, found in statements.items()
        ]

    def _begin_boundaries(self) -> dict[str, Boundaries]:
        if not self._plan.boundaries:
            return {}
        mask = self._plan.workload.mask
        found = {
            handle.name: Boundaries(
                handle.proxied, partial(read_state, handle.direct_dsn, mask=mask), self._held
            )
            for handle in self._look.databases(self._names)
        }
        for boundaries in found.values():
            boundaries.begin()
        return found

    def _check_before(self) -> tuple[CheckRecord, ...]:
        """See that the steady state holds; a server that is asked itself is started for it."""
        plan = self._plan
        if any(check.on == plan.workload.name for check in plan.steady_state):
            self._workload.start()
            self._recovery.until_steady(self._clock.real(plan.workload.deadline), self._abort)
            before = self._recovery.ask_all()
            self._arm()
            return before
        before = self._recovery.ask_all()
        self._arm()
        self._workload.start()
        return before

    def _arm(self) -> None:
        for order in self._plan.faults:
            armed = arm(
                order,
                services=self._services,
                target=self._workload,
                clock=self._clock,
                held=self._held,
                connections=self._traffic.connections,
            )
            self._armed.append(armed)
            armed.begin()
        if self._plan.dead_alerts is not None:
            self._endpoints = DeadEndpoints(self._sandbox.inbox, self._plan.dead_alerts, self._clock)
            self._endpoints.begin()

    def _live(self) -> None:
        plan = self._plan
        for armed in self._armed:
            if isinstance(armed, ProcessFault):
                armed.started()
        service = self._service()
        life = Life(
            *(self._workload, plan.workload, self._clock, plan.patience),
            self._ended,
            self._abort.is_set,
            most_starts=plan.most_starts,
            again=plan.again,
            settles=plan.settles or plan.enough is None,
            rests=service.rests,
            idle=self._leftovers.look,
        )
        with self._recovery.watched(self._armed), self._leftovers.watched():
            if plan.workload.shape == "server":
                self._serve(life, service)
            else:
                life.run_to_end()

    def _serve(self, life: Life, service: Service) -> None:
        """Let a server serve; once more, where its alerts are still owed."""
        life.serve(service.is_over)
        self._answers = service.answers
        if self._plan.again and self._owes_alerts():
            self._workload.resume()
            end = self._clock.now() + self._plan.recovers_within
            life.serve(lambda: not self._owes_alerts() or self._clock.now() > end)

    def _service(self) -> Service:
        return Service(
            self._plan,
            self._workload,
            self._armed,
            self._recovery,
            self._look,
            self._clock,
            heal=self._heal_all,
            alerts=self._alerts,
            messages=self._traffic.messages,
            owes=self._owes_alerts,
        )

    def _alerts(self) -> int:
        return 0 if self._configuration.alerts is None else count(self._sandbox.inbox)

    def _owes_alerts(self) -> bool:
        return self._endpoints is not None and not self._endpoints.delivered

    def _ended(self, number: int) -> None:
        if self._plan.again and number == 1:
            self._heal_all()
        if self._plan.states:
            self._between.append(self._look.states(self._names, mask=self._plan.workload.mask))
        if self._plan.ended is not None:
            self._plan.ended(number, self._sandbox.folder)

    def _heal_all(self) -> None:
        with ExitStack() as each:  # the others even where one fails
            if self._endpoints is not None:
                each.callback(self._endpoints.heal)
            for armed in self._armed:
                each.callback(armed.heal)

    def _heal(self) -> None:
        self._heal_all()
        for boundaries in self._boundaries.values():
            boundaries.end()
        for error in self._held.errors:
            raise error

    def _record(self, before: tuple[CheckRecord, ...], real: float) -> RunRecord:
        plan, scale = self._plan, self._clock.scale
        after = self._recovery.settle() if not self._recovery.asks_workload else self._recovery.last
        inbox = None if self._configuration.alerts is None else self._sandbox.inbox
        return RunRecord(
            workload=plan.workload.name,
            processes=tuple(scaled(process, scale) for process in self._workload.processes),
            calls=tuple(scaled(call, scale) for call in self._workload.calls),
            messages=self._traffic.messages(),
            faults=tuple(armed.record() for armed in self._armed),
            logs=tuple(scaled_line(line, scale) for line in self._workload.logs),
            alerts=() if inbox is None else alert_records(inbox, self._clock),
            alerts_healed_at=None if self._endpoints is None else self._endpoints.healed_at,
            before=before,
            after=after,
            recovered_at=self._recovery.recovered_at,
            states=self._last_states(),
            states_between=tuple(self._between),
            boundaries={name: tuple(found.states) for name, found in self._boundaries.items()},
            boundaries_complete=all(found.complete for found in self._boundaries.values()),
            answers=self._answers,
            violations=tuple(word for watch in self._watches for word in watch.words),
            leaks=self._leftovers.left(),
            held=self._leftovers.held,
            bypasses=self._bypasses.seen,
            outside=self._bypasses.outside,
            duration=real * scale,
            real_duration=real,
            time_scale=scale,
            untweaked=self._workload.untweaked_reason,
            escaped=tuple(self._workload.inside.escaped) if plan.tweaks.wanted else (),
            notes=self._notes(),
        )

    def _last_states(self) -> Mapping[str, Any]:
        """Return the states at the end: those after the last start, where they were read, for nothing runs since."""
        if self._between:
            return self._between[-1]
        return self._look.states(self._names, mask=self._plan.workload.mask)

    def _notes(self) -> tuple[str, ...]:
        lost = self._traffic.lost
        return (f"{lost} messages came so fast that the trace has lost them",) if lost else ()
