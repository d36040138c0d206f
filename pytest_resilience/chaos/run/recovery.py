"""The steady state of a run: asked before, waited for from the last heal on, and asked again at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pytest_resilience.chaos.expectations.steady import ask, until_steady
from pytest_resilience.chaos.run.arming.armed import Armed
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.run.look import Look
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import CheckRecord

POLL_SECONDS = 0.02


class Recovery:
    """Wait for the steady state.

    Args:
        plan: the run's.
        look: where the services are.
        clock: the run's.
    """

    def __init__(self, plan: Plan, look: Look, clock: RunClock) -> None:
        self._plan = plan
        self._look = look
        self._clock = clock
        self._over = threading.Event()
        self.healed_at: float | None = None
        self.recovered_at: float | None = None
        self.last: tuple[CheckRecord, ...] = ()

    @property
    def asks_workload(self) -> bool:
        """Whether the steady state is asked of the workload itself, which has to serve for it."""
        return any(check.on == self._plan.workload.name for check in self._plan.steady_state)

    def ask_all(self) -> tuple[CheckRecord, ...]:
        """Ask every check once."""
        return tuple(ask(check, self._look) for check in self._plan.steady_state)

    def until_steady(self, bound: float, stopped: threading.Event) -> bool:
        """Ask until all holds, for at most `bound` real seconds; say whether it does."""
        seen = until_steady(self._plan.steady_state, self._look, bound=bound, stopped=stopped)
        self.last = seen.checks
        return seen.held_at is not None

    @contextmanager
    def watched(self, armed: Sequence[Armed]) -> Iterator[None]:
        """Wait for the heal of all faults and then for the steady state, while the block runs."""
        thread = threading.Thread(target=self._watch, args=(armed,), name="resilience-recovery", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def settle(self) -> tuple[CheckRecord, ...]:
        """Return the checks after the end, waiting for them for what is left of the bound since the heal."""
        if not self._plan.steady_state:
            return ()
        self._note_heal()
        left = (self.healed_at or 0.0) + self._plan.recovers_within - self._clock.now()
        if self.until_steady(max(0.0, self._clock.real(left)), threading.Event()):
            self._note_recovery()
        return self.last

    def _watch(self, armed: Sequence[Armed]) -> None:
        while not all(one.is_over for one in armed):
            if self._over.wait(POLL_SECONDS):
                return
        self._note_heal()
        if self._plan.steady_state and self.until_steady(
            self._clock.real(self._plan.recovers_within), self._over
        ):
            self._note_recovery()

    def _note_heal(self) -> None:
        if self.healed_at is None:
            self.healed_at = self._clock.now()

    def _note_recovery(self) -> None:
        if self.recovered_at is None:
            self.recovered_at = self._clock.now()
