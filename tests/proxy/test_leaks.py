"""Connections come and go by the hundred, and nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import random
from typing import Any

from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.lane import CHUNK_SIZE, Direction, Lane
from pytest_resilience.proxy.link import Link
from pytest_resilience.proxy.toxics import Bandwidth, Latency


def alive(kind: type) -> int:
    """Count the objects of a class."""
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def test_two_hundred_connections_at_once_leave_nothing(with_bench: Any, open_sockets: Any) -> None:
    """Under a toxic, half of them closed before their reply came: no socket, task or object stays."""

    async def one(bench: Any, number: int) -> None:
        (client, to_proxy), (server, to_client) = await bench.pair()
        to_proxy.write(b"hi")
        await server.readexactly(2)
        to_client.write(b"ho")
        if number % 2:
            await client.readexactly(2)
        to_proxy.close()
        to_client.close()
        bench.writers.clear()

    async def test(bench: Any) -> None:
        bench.proxy.toxics.add(Toxic("slow", "downstream", Direction.DOWNSTREAM, 1.0, Latency(latency=1)))
        sockets, before = open_sockets(), (len(asyncio.all_tasks()), alive(Link), alive(Lane))
        for _ in range(3):
            await asyncio.gather(*[one(bench, number) for number in range(200)])
            await bench.all_over()
        for _ in range(500):
            left, after = open_sockets() - sockets, (len(asyncio.all_tasks()), alive(Link), alive(Lane))
            if (left, after) == (frozenset(), before):
                break
            await asyncio.sleep(0.01)

        assert (left, after) == (frozenset(), before)
        assert len(list(bench.engine.meter.counts())) == 2

    with_bench(test)


def test_what_a_toxic_holds_is_bounded(with_bench: Any) -> None:
    """A client that sends for ever into a toxic that holds for ever is stopped by its own kernel."""

    async def test(bench: Any) -> None:
        for name, toxic in (("slow", Latency(latency=3_600_000)), ("closed", Bandwidth(rate=0))):
            bench.proxy.toxics.add(Toxic(name, "upstream", Direction.UPSTREAM, 1.0, toxic))
            (_, to_proxy), _ = await bench.pair()
            to_proxy.write(bytes(64 * 1024 * 1024))
            link = next(iter(bench.proxy.links))
            received = -1
            while received != link.upstream.received:
                received = link.upstream.received
                await asyncio.sleep(0.1)
            stage = link.upstream.stages[0]
            bench.proxy.toxics.clear()
            link.drop()

            assert received <= stage.capacity + CHUNK_SIZE

    with_bench(test)


def test_what_a_peer_does_not_read_is_bounded(with_bench: Any) -> None:
    """Without toxics no more than one read is kept for a receiver that reads nothing."""

    async def test(bench: Any) -> None:
        (_, to_proxy), (server, _) = await bench.pair()
        server._transport.pause_reading()
        to_proxy.write(bytes(64 * 1024 * 1024))
        lane = next(iter(bench.proxy.links)).upstream
        received = -1
        while received != lane.received:
            received = lane.received
            await asyncio.sleep(0.1)

        assert 0 < len(lane.outlet.backlog) <= 256 * 1024

    with_bench(test)


def test_what_a_removed_toxic_held_is_released_in_turns(with_bench: Any) -> None:
    """The removal returns before megabytes are passed on, and all of them arrive, in order, and with what follows."""

    async def test(bench: Any) -> None:
        toxic = Toxic("slow", "upstream", Direction.UPSTREAM, 1.0, Latency(latency=3_600_000))
        bench.proxy.toxics.add(toxic)
        (_, to_proxy), (server, _) = await bench.pair()
        sent = random.Random(1).randbytes(6 * 1024 * 1024)
        to_proxy.write(sent)
        lane = next(iter(bench.proxy.links)).upstream
        while lane.received < len(sent):  # noqa: ASYNC110 - a lane tells nobody what it reads
            await asyncio.sleep(0.01)
        bench.proxy.toxics.remove(toxic)
        assert lane.outlet.sent <= len(sent) / 2
        to_proxy.write(b"more")

        assert await server.readexactly(len(sent) + 4) == sent + b"more"
        assert lane.stages == []

    with_bench(test)
