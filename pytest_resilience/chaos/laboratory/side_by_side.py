"""Runs made side by side: most of a run is waiting, and more of them fit into the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from pytest_resilience.services.settled import Made, settle

AT_ONCE = 3
"""Runs at once: each takes processor time when it starts, which makes the waits of the others longer."""


class SideBySide:
    """Make runs in threads that whoever ends the test run can wait for.

    A caller that is interrupted leaves at once; its runs are for their laboratory to abort.
    """

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()

    def results(self, makers: Sequence[Callable[[], Made]]) -> list[Made]:
        """Return what each makes, in their order; the first are begun first.

        Raises:
            Exception: what the first of them raised that raised something, once all are over.
        """
        made = [(make, Future[Made]()) for make in makers]
        waiting = deque(made)
        for _ in range(min(AT_ONCE, len(made))):
            thread = threading.Thread(
                target=self._work, args=(waiting,), name="resilience-side-by-side", daemon=True
            )
            self._threads.add(thread)
            thread.start()
        for _, future in made:
            future.exception()  # wait for all: one that is under way still uses its services
        return [future.result() for _, future in made]

    def join(self, seconds: float) -> None:
        """Wait until those under way have ended, each for at most so long."""
        for thread in tuple(self._threads):
            thread.join(seconds)

    def _work(self, waiting: deque[tuple[Callable[[], Made], Future[Made]]]) -> None:
        while True:
            try:
                make, future = waiting.popleft()
            except IndexError:
                break
            settle(future, make)
        self._threads.discard(threading.current_thread())
