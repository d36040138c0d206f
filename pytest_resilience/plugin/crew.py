"""The crew: threads that run the next experiments while pytest still reports on the last one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.services.settled import settle

AHEAD = 4
"""Experiments that each thread may be ahead of what pytest has reported."""


class Crew:
    """Run experiments ahead, in their order, in so many threads.

    Args:
        workers: how many run at once; 1 runs each when it is asked for.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._waiting: deque[Experiment] = deque()
        self._futures: dict[str, Future[ExperimentResult]] = {}
        self._threads: list[threading.Thread] = []
        self._asked_for = threading.Semaphore(workers * AHEAD)
        self._stopped = threading.Event()

    def expect(self, experiments: Sequence[Experiment]) -> None:
        """Say what will be asked for, in that order."""
        if self._workers > 1:
            self._waiting.extend(experiments)
            self._futures.update({experiment.id: Future() for experiment in experiments})

    def result(self, experiment: Experiment) -> ExperimentResult:
        """Return what an experiment came to, when it is over."""
        future = self._futures.get(experiment.id)
        if future is None:
            return experiment.run()
        self._begin()
        try:
            return future.result()
        finally:
            del self._futures[experiment.id]
            self._asked_for.release()

    def stop(self) -> None:
        """Begin no other experiment; those under way are for their laboratory to abort."""
        self._stopped.set()
        self._waiting.clear()
        for _ in self._threads:
            self._asked_for.release()

    def join(self, seconds: float) -> None:
        """Wait until those under way have ended, for at most so long."""
        for thread in self._threads:
            thread.join(seconds)

    def _begin(self) -> None:
        while len(self._threads) < self._workers:
            thread = threading.Thread(target=self._work, name="resilience-crew", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            self._asked_for.acquire()
            try:
                experiment = self._waiting.popleft()
            except IndexError:
                return
            if self._stopped.is_set():
                return
            settle(self._futures[experiment.id], experiment.run)
