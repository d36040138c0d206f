"""The states at the commit boundaries of an undisturbed run: read whenever a session is about to go on.

A client that is outside of a transaction and sends the next statement has seen the one before it committed, so
what the tables are then is a state that a cut may leave behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_resilience.chaos.run.arming.held import Decision, HeldMessages
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.chaos.wire import ProxiedService

MOST = 300
"""States that are read of one service; a run with more transactions is not known boundary by boundary."""
_GOING_ON = ("Query", "Bind")


@dataclass(slots=True)
class Boundaries:
    """Collect the states of one service at its commit boundaries.

    Args:
        service: the service.
        read: reads its state.
        held: the run's held messages.
    """

    service: ProxiedService
    read: Callable[[], PostgresState]
    held: HeldMessages
    states: list[PostgresState] = field(default_factory=list)
    complete: bool = True
    _faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Begin to hold statements that begin a transaction, or are one."""
        for message in _GOING_ON:
            when = {"message": message, "transaction": "idle"}
            self._faults.append(self.held.hold(self.service.proxy, when, self._look, times=None))

    def end(self) -> None:
        """Hold no more, and read the state that is the last."""
        for fault in self._faults:
            self.service.heal_fault(fault)
        self._add()

    def _look(self, _receipt: Mapping[str, Any]) -> Decision:
        with self._lock:
            if len(self.states) < MOST:
                self._add()
            else:
                self.complete = False
        return "deliver"

    def _add(self) -> None:
        state = self.read()
        if not self.states or self.states[-1] != state:
            self.states.append(state)
