"""How long a server serves in one run: under its faults, and from the last heal until it has recovered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pytest_resilience.chaos.expectations.steady import ask
from pytest_resilience.chaos.run.arming.armed import Armed
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.exposure import Exposure
from pytest_resilience.chaos.run.look import Look
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import CheckRecord, Message
from pytest_resilience.chaos.run.recovery import Recovery
from pytest_resilience.chaos.run.scaled import scaled
from pytest_resilience.chaos.scenario.model import Check
from pytest_resilience.chaos.workload.workload import Workload

ENOUGH_CALLS = 10
"""Answered requests after which an undisturbed server has shown what it does."""


@dataclass(slots=True)
class Service:
    """Decide when a server may go.

    Args:
        plan: the run's.
        workload: the server.
        armed: the faults.
        recovery: waits for the steady state.
        look: where the services are.
        clock: the run's.
        heal: heals the faults, and whatever else is broken.
        alerts: how many alerts have come so far.
        messages: what the proxies have seen so far.
        owes: whether alerts still have to be delivered before it may go.
        answers: what the expected checks said while it served.
    """

    plan: Plan
    workload: Workload
    armed: Sequence[Armed]
    recovery: Recovery
    look: Look
    clock: RunClock
    heal: Callable[[], None]
    alerts: Callable[[], int]
    messages: Callable[[], Sequence[Message]]
    owes: Callable[[], bool]
    answers: dict[Check, CheckRecord] = field(default_factory=dict)
    _began: float | None = None
    _struck_at: float | None = None
    _alone_since: float | None = None

    def is_over(self) -> bool:
        """Whether it has served long enough; heals what has no end of its own, and asks the expected checks."""
        if self._began is None:
            self._began = self.clock.now()
        if self.recovery.healed_at is None:
            self._heal_in_time()
            return False
        if self.plan.sees_out and not self._has_had_its_time():
            return False
        if (self.owes() or not self._has_recovered() or self._is_answering()) and not self._is_late():
            return False
        if not self.plan.prompt and not self._is_late() and self.armed:
            return False
        self.answers = {check: ask(check, self.look) for check in self.plan.answers}
        return True

    def _heal_in_time(self) -> None:
        if self._has_had_its_time():
            self.heal()

    def _has_had_its_time(self) -> bool:
        return self._has_shown_enough() or self.clock.now() - (self._began or 0.0) > self._bound

    @property
    def _bound(self) -> float:
        """How long faults without an end of their own last at most."""
        deadline = self.plan.workload.deadline
        if self.plan.enough is not None:
            return (1 if self._struck_at is None else 2) * deadline
        waits = any(order.when.is_at_message for order in self.plan.faults)
        return deadline if waits else self.plan.recovers_within

    def _has_shown_enough(self) -> bool:
        if self.plan.enough is None:
            return False
        return self.plan.enough(self._exposure())

    def rests(self) -> bool:
        """Whether it has done what it put off, or had the time for it; to be asked once it is sent nothing more."""
        if self.plan.rests is None:
            return True
        if self._alone_since is None:
            self._alone_since = self.clock.now()
        waited = self.clock.now() - self._alone_since
        is_late = waited > self.plan.rests_within * max(1.0, self.clock.scale)
        return is_late or self.plan.rests(self._exposure())

    def _exposure(self) -> Exposure:
        if self._struck_at is None:
            begins = [at for armed in self.armed if (at := armed.record().injected_at) is not None]
            self._struck_at = min(begins, default=None)
        return Exposure(
            struck_at=self._struck_at,
            now=self.clock.now(),
            calls=[scaled(call, self.clock.scale) for call in self.workload.calls],
            alerts=self.alerts(),
            limit=self.plan.workload.deadline * self.clock.scale,
            scale=self.clock.scale,
            messages=self.messages,
            faults=lambda: [armed.record() for armed in self.armed],
        )

    def _has_recovered(self) -> bool:
        healed = self.recovery.healed_at or 0.0
        if self.plan.steady_state and self.recovery.recovered_at is None:
            return False
        calls = self.workload.calls
        since = [call for call in calls if call.began * self.clock.scale >= healed]
        driven = self.plan.workload.drive is not None
        enough = int(driven) * (1 if self.armed else ENOUGH_CALLS)
        return sum(call.outcome.startswith("2") for call in since) >= enough

    def _is_answering(self) -> bool:
        """Whether a request from before the heal may still be answered, as one that is tried again may be."""
        healed, limit = self.recovery.healed_at or 0.0, self.plan.workload.deadline * self.clock.scale
        began = [call.began * self.clock.scale for call in self.workload.calls if call.ended is None]
        return any(at < healed and self.clock.now() - at < limit for at in began)

    def _is_late(self) -> bool:
        return self.clock.now() > (self.recovery.healed_at or 0.0) + self.plan.recovers_within
