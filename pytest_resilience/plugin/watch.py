"""The watch: after a while without news it says what is under way, so that who waits knows that something is."""

from __future__ import annotations

import os
import threading

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.plugin.suite import ENDINGS

QUIET = 60.0
"""Seconds without news until it speaks; after that, twice as many each time."""


class Watch:
    """Watch what pytest reports, also of its workers; other tests than experiments and scenarios are their own affair.

    Args:
        first: whether workloads run undisturbed before there is anything to show.
        clock: tells the time.

    Attributes:
        thread: looks whether there is something to say.
    """

    def __init__(self, *, first: bool, clock: Clock = SYSTEM_CLOCK) -> None:
        self._first = first
        self._clock = clock
        self._running: dict[str, float] = {}
        self._since = clock.monotonic()
        self._patience = QUIET
        self._ended = threading.Event()
        self._terminal = os.dup(1)  # while an item runs, pytest keeps what is written to the first
        self.thread = threading.Thread(target=self._watch, name="resilience-watch", daemon=True)

    def pytest_sessionstart(self) -> None:
        """Begin to watch, if there is something to wait for."""
        if self._first:
            self.thread.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note what has begun."""
        self._first = False
        if not _is_ours(nodeid):
            return
        self._running[nodeid] = self._clock.monotonic()
        if self.thread.ident is None:  # tests alone are run without a thread more
            self.thread.start()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note what is over: pytest has shown it."""
        self._running.pop(nodeid, None)
        self._since = self._clock.monotonic()
        self._patience = QUIET

    def pytest_sessionfinish(self) -> None:
        """Watch no longer."""
        self._ended.set()
        if self.thread.is_alive():
            self.thread.join()
        os.close(self._terminal)

    def news(self) -> str | None:
        """Return what there is to say now; none where something was shown not long ago, or nothing of ours runs."""
        now, running = self._clock.monotonic(), self._running.copy()  # pytest goes on meanwhile
        if now - self._since < self._patience or not (running or self._first):
            return None
        self._patience *= 2
        if not running:
            return f"resilience: the workloads run undisturbed, for {now - self._since:.0f} s"
        name, began = min(running.items(), key=lambda one: one[1])
        more = f", and {len(running) - 1} more" if len(running) > 1 else ""
        return f"resilience: under way for {now - began:.0f} s: {name}{more}"

    def _watch(self) -> None:
        while not self._ended.wait(QUIET / 10):
            if (words := self.news()) is None:
                continue
            try:
                os.write(self._terminal, f"\n{words}\n".encode(errors="replace"))
            except OSError:  # nobody reads: pytest itself will find that out
                return


def _is_ours(nodeid: str) -> bool:
    """Tell whether it is an experiment or a scenario."""
    return nodeid.startswith("resilience::") or nodeid.partition("::")[0].lower().endswith(ENDINGS)
