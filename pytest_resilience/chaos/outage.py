"""An outage that begins at an exact message: the message is held while the service is taken down."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.wire import ProxiedService
from pytest_resilience.errors import HarnessError

POLL_SECONDS = 0.005
LEASE_SECONDS = 30.0


@dataclass(slots=True)
class OutageAtMessage:
    """The service goes down at a message, for `duration` seconds or until it heals.

    The message is never delivered (request side), or its answer never heard (reply side).
    """

    service: ProxiedService
    when: Mapping[str, Any]
    duration: float | None = None
    _hold: str | None = None
    _closed: bool = False
    _error: HarnessError | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None

    def inject(self) -> None:
        """Arm the hold, and begin to watch for it."""
        order = {"kind": "hold", "attributes": {"lease": LEASE_SECONDS}, "when": dict(self.when)}
        self._hold = self.service.add_fault(order)
        self._watcher = threading.Thread(target=self._watch, name="resilience-outage", daemon=True)
        self._watcher.start()

    def heal(self) -> None:
        """Stop watching and end the outage.

        Raises:
            HarnessError: the outage could not be made when its message came.
        """
        self._over.set()
        if self._watcher is not None:
            self._watcher.join()
        if self._closed:
            self._closed = False
            self.service.open()
        if self._hold is not None:
            self.service.heal_fault(self._hold)
        if self._error is not None:
            raise self._error

    def receipts(self) -> Sequence[Receipt]:
        """Return the receipt of the message at which the service went down."""
        return self.service.receipts(self._hold, kind="down", with_message=True)

    def _watch(self) -> None:
        try:
            while not self._over.wait(POLL_SECONDS):
                if self.receipts():
                    self._take_down()
                    return
        except HarnessError as error:
            self._error = error

    def _take_down(self) -> None:
        self._closed = True
        self.service.close()
        if self.duration is not None:
            self._over.wait(self.duration)
            self.service.open()
            self._closed = False
