"""The life of a workload in one run: started, started again after a failure, or served until all has healed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.clock import RunClock

POLL_SECONDS = 0.01
REST_SECONDS = 0.05
WORK_SECONDS = 15.0
"""Real seconds that a start on a scaled clock has beyond its deadline: what it computes takes as long as ever."""


class Living(Protocol):
    """A workload, as its life needs it."""

    @property
    def runs(self) -> bool:
        """Whether its main process is alive."""

    @property
    def exit_code(self) -> int | None:
        """The last start's status."""

    def start(self) -> None:
        """Start it the first time."""

    def resume(self) -> None:
        """Start it again."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""

    def give_up(self) -> None:
        """Kill it because its time is over."""

    def settle(self, given_up: Callable[[], bool]) -> None:
        """Send it no more requests, and wait for the answers to those on their way."""

    def terminate(self) -> int | None:
        """Ask it to end, and see that it does."""


@dataclass(frozen=True, slots=True)
class Life:
    """What drives a workload through one run.

    Args:
        workload: the workload.
        declaration: its declaration.
        clock: the run's.
        patience: how many times its deadline a start is waited for.
        ended: called after each end of a process, with the number of the start.
        aborted: whether the run is to end as soon as it can.
        most_starts: at most; by default as it declares.
        again: start it exactly once more, however the first start has ended; not where that had to be killed.
        settles: whether a server's last requests are waited for: one that is ended by us has not failed to answer.
        rests: whether a server that is sent nothing more has done what it put off, so that it may end.
        idle: called before that, where its last requests were waited for.
    """

    workload: Living
    declaration: WorkloadDeclaration
    clock: RunClock
    patience: float
    ended: Callable[[int], None]
    aborted: Callable[[], bool]
    most_starts: int | None = None
    again: bool = False
    settles: bool = True
    rests: Callable[[], bool] = lambda: True
    idle: Callable[[], None] = lambda: None

    def run_to_end(self) -> None:
        """Wait for a job or a function, and start it again after a failure as often as it is declared."""
        for number in range(1, self._starts + 1):
            if number > 1:
                self.workload.resume()
            in_time = self._wait()
            self.ended(number)
            if self.aborted() or (not in_time if self.again else self.workload.exit_code == 0):
                return

    def serve(self, until: Callable[[], bool]) -> None:
        """Let a server serve until `until()`, start it again where it ends before, and end it."""
        number = 1
        while not until() and not self.aborted():
            if self.workload.runs:
                time.sleep(POLL_SECONDS)
                continue
            self.ended(number)
            if number > self.declaration.restarts:
                return
            number += 1
            self.workload.resume()
        if self.settles:
            self.workload.settle(self.aborted)
        while self.workload.runs and not self.aborted() and not self.rests():
            time.sleep(REST_SECONDS)
        if self.settles and not self.aborted():
            self.idle()
        self.workload.terminate()
        self.ended(number)

    @property
    def _starts(self) -> int:
        declared = self.declaration.restarts + 1
        return 2 if self.again else min(declared, self.most_starts or declared)

    def _wait(self) -> bool:
        """Wait for its end, and say whether it came in time."""
        deadline = self.declaration.deadline
        work = min(deadline, WORK_SECONDS) if self.clock.scale > 1 else 0.0
        try:
            self.workload.wait(self.clock.real(deadline) * self.patience + work)
        except TimeoutError:
            self.workload.give_up()
            return False
        return True
