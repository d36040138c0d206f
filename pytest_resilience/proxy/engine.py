"""What a process of the fault proxy consists of, as its API handlers see it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pytest_resilience.proxy.proxy import Proxy


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for on the command line.

    Args:
        seed: what every draw follows from.
        compat: imitate Toxiproxy where it surprises.
        proxy_metrics: count bytes at `/metrics`.
        runtime_metrics: describe the process at `/metrics`.
    """

    seed: int = 0
    compat: bool = False
    proxy_metrics: bool = False
    runtime_metrics: bool = False


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

    def new_proxy(self, name: str, listen: str, upstream: str) -> Proxy:
        """Make a proxy that is neither started nor known yet."""
        return Proxy(self.loop, self.settings, name, listen, upstream)

    def close(self) -> None:
        """End all proxies and their connections."""
        for proxy in self.proxies.values():
            proxy.close()
        self.proxies.clear()
