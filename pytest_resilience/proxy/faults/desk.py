"""All that an engine knows beyond Toxiproxy: one watch a proxy, and the books that they share."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakKeyDictionary

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.proxy.faults.holds import HoldBook
from pytest_resilience.proxy.faults.receipts import ReceiptBook
from pytest_resilience.proxy.faults.watch import Books, Watch
from pytest_resilience.proxy.inspector import InspectorFactory


class WatchedProxy(Protocol):
    """A proxy, as it is watched."""

    name: str
    upstream: str
    accepted: int
    inspect: InspectorFactory | None


class FaultDesk:
    """Keep the watches of an engine; a proxy that is deleted takes its own with it."""

    def __init__(self) -> None:
        self._started = SYSTEM_CLOCK.monotonic()
        self._watches: WeakKeyDictionary[WatchedProxy, Watch] = WeakKeyDictionary()
        self.receipts = ReceiptBook(self.now)
        self.holds = HoldBook()

    def now(self) -> float:
        """Return the seconds since the engine started."""
        return SYSTEM_CLOCK.monotonic() - self._started

    def clocks(self) -> dict[str, float]:
        """Return the seconds since it started and since the epoch, and this machine's monotonic clock at its start."""
        return {"now": self.now(), "time": SYSTEM_CLOCK.time(), "started": self._started}

    def watch(self, proxy: WatchedProxy) -> Watch:
        """Return the watch of a proxy."""
        found = self._watches.get(proxy)
        if found is None:
            found = Watch(proxy.name, Books(now=self.now, receipts=self.receipts, holds=self.holds))
            self._watches[proxy] = found
        return found
