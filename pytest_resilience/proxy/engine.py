"""What a process of the fault proxy consists of, as its API handlers see it."""

from __future__ import annotations

import asyncio

from pytest_resilience.proxy.faults.desk import FaultDesk
from pytest_resilience.proxy.meter import Meter
from pytest_resilience.proxy.proxy import Addresses, Proxy
from pytest_resilience.proxy.settings import Settings


class Engine:
    """All proxies of the process, by name.

    Args:
        loop: the event loop.
        settings: what was asked for on the command line.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings) -> None:
        self.loop = loop
        self.settings = settings
        self.proxies: dict[str, Proxy] = {}
        self.meter = Meter()
        self.desk = FaultDesk()

    @property
    def strict(self) -> bool:
        """Whether to be right where Toxiproxy surprises."""
        return not self.settings.compat

    def new_proxy(self, name: str, listen: str, upstream: str) -> Proxy:
        """Make a proxy that is neither started nor known yet."""
        return Proxy(self.loop, self.settings, self.meter, Addresses(name, listen, upstream))

    def close(self) -> None:
        """End all proxies and their connections."""
        for proxy in self.proxies.values():
            proxy.close()
        self.proxies.clear()
