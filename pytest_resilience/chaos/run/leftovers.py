"""What a workload holds while it is alive and asked nothing, and what it has left behind when its run is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import inf

from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.run.arming.armed import Armed
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.state import held, leaks
from pytest_resilience.chaos.state.held import Held, held_for_good
from pytest_resilience.chaos.workload.workload import Workload

POLL_SECONDS = 0.01


class Leftovers:
    """Look what a workload holds and leaves on its databases.

    Args:
        plan: the run's.
        workload: the workload, before its first start.
        databases: of the run.
        armed: the faults, once they are armed.
        stopped: whether the run is to end as soon as it can.
    """

    def __init__(
        self,
        plan: Plan,
        workload: Workload,
        databases: Sequence[PostgresHandle],
        armed: Sequence[Armed],
        stopped: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._workload = workload
        self._databases = databases
        self._armed = armed
        self._stopped = stopped
        self._before = {handle.name: leaks.connections(handle.direct_dsn) for handle in databases}
        self._words: list[str] = []
        self._over = threading.Event()
        self.held: dict[str, Held] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at a function's process each time that its calls are done, while the block runs."""
        if not self._workload.rests:
            yield
            return
        thread = threading.Thread(target=self._watch, name="resilience-leftovers", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            if self._workload.is_resting:
                try:
                    self.look(patience=leaks.PATIENCE)
                finally:
                    self._workload.end_rest()

    def look(self, *, patience: float = held.PATIENCE) -> None:
        """See what is held by a workload that is asked nothing, where its faults are over.

        Args:
            patience: seconds that it has to let go of what it did not hold undisturbed.
        """
        if not self._workload.runs or not all(armed.is_over for armed in self._armed):
            return
        usual, (calls, at_once) = self._plan.usual, self._calls_met()
        for handle in self._databases:
            name = handle.name
            look = partial(held.held, handle.direct_dsn, ignore=self._before[name])
            if usual is None or name not in usual:
                self.held[name] = look()
                continue
            wrong = partial(Held.beyond, usual=usual[name], calls=calls, at_once=at_once)
            found = held_for_good(look, wrong, stopped=self._stopped, patience=patience)
            self.held[name] = found
            self._words += [f"{name}: {word}" for word in wrong(found)]

    def _calls_met(self) -> tuple[int, int]:
        """Return how many calls met a fault, and how many were under way at the same time, at most."""
        scale = self._plan.tweaks.time_scale
        times = [receipt.at / scale for armed in self._armed for receipt in armed.record().receipts]
        calls = [(call.began, inf if call.ended is None else call.ended) for call in self._workload.calls]
        met = sum(any(began <= at <= ended for at in times) for began, ended in calls)
        at_once = (sum(began <= at < ended for began, ended in calls) for at, _ in calls)
        return met, max(at_once, default=1)

    def left(self) -> tuple[str, ...]:
        """Say what was held and what is left, and end it: processes first, for they may hold connections."""
        alive = self._workload.leftovers()
        self._workload.close()
        words = [f"{len(alive)} of its child processes still ran"] if alive else []
        for handle in self._databases:
            found = leaks.leaks(handle.direct_dsn, ignore=self._before[handle.name])
            words.extend(f"{handle.name}: {word}" for word in found)
        return (*dict.fromkeys(self._words), *words)
