"""An engine in the test's own process, on both event loops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.proxy import Proxy
from pytest_resilience.proxy.settings import Settings

HANG = 60
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Bench:
    """A proxy in front of a server that the test plays itself."""

    engine: Engine
    proxy: Proxy
    accepted: asyncio.Queue[Streams]
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def pair(self) -> tuple[Streams, Streams]:
        """Open a connection; return the client's and the server's end."""
        client = await self.client()
        server = await self.accepted.get()
        self.writers += [client[1], server[1]]
        return client, server

    async def all_over(self) -> None:
        """Wait until no connection is left."""
        while self.proxy.links:  # noqa: ASYNC110 - the proxy tells nobody when a connection is over
            await asyncio.sleep(0.001)

    async def client(self) -> Streams:
        """Open a connection."""
        host, _, port = self.proxy.listen.rpartition(":")
        return await asyncio.open_connection(host, int(port))


@contextlib.asynccontextmanager
async def set_up(**settings: Any) -> AsyncIterator[Bench]:
    """Make a bench, and take it down with everything that is open."""
    accepted: asyncio.Queue[Streams] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait((reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    engine = Engine(asyncio.get_running_loop(), Settings(**settings))
    proxy = engine.new_proxy("p", "127.0.0.1:0", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    engine.proxies["p"] = proxy
    proxy.start(await proxy.resolve_to_start())
    bench = Bench(engine, proxy, accepted)
    try:
        yield bench
    finally:
        engine.close()
        server.close()
        while not accepted.empty():
            bench.writers.append(accepted.get_nowait()[1])
        for writer in bench.writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.fixture(scope="session")
def open_sockets() -> Callable[[], frozenset[str]]:
    """Name this process's sockets; event loops open pipes of their own."""

    def named() -> frozenset[str]:
        links = []
        for path in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):  # the folder's own descriptor
                links.append(str(path.readlink()))
        return frozenset(link for link in links if link.startswith("socket:"))

    return named


@pytest.fixture(params=["asyncio", "uvloop"])
def with_bench(request: pytest.FixtureRequest) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Run a coroutine function with a bench, on one event loop after the other."""
    uses_uvloop = request.param == "uvloop"
    factory = pytest.importorskip("uvloop").new_event_loop if uses_uvloop else asyncio.new_event_loop

    def run(test: Callable[[Bench], Awaitable[None]], **settings: Any) -> None:
        async def guarded() -> None:
            async with asyncio.timeout(HANG), set_up(**settings) as bench:
                await test(bench)

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(guarded())

    return run
