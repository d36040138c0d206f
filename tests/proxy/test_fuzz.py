"""Random toxic churn on live connections: never a crash, never a leak, never a lost or reordered byte."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.lane import Direction
from pytest_resilience.proxy.toxics import (
    Bandwidth,
    Latency,
    LimitData,
    Noop,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
)
from pytest_resilience.proxy.toxics.attributes import Attributes

NAMES = ("a", "b", "c")
FOREVER = 3_600_000

harmless: st.SearchStrategy[Attributes] = st.one_of(
    st.builds(Latency, st.integers(0, 20), st.integers(0, 20)),
    st.just(Latency(FOREVER)),
    st.builds(Bandwidth, st.integers(0, 100_000)),
    st.builds(Slicer, st.integers(100, 5000), st.integers(0, 100), st.integers(0, 50)),
    st.builds(SlowClose, st.integers(0, 20)),
    st.just(ResetPeer(FOREVER)),
    st.just(Noop()),
)
harmful: st.SearchStrategy[Attributes] = st.one_of(
    harmless,
    st.builds(Timeout, st.integers(0, 20)),
    st.builds(ResetPeer, st.integers(0, 20)),
    st.builds(LimitData, st.integers(0, 100_000)),
)
directions = st.sampled_from(list(Direction))
common = (
    st.tuples(st.just("send"), directions, st.integers(1, 200_000)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    st.tuples(st.just("toxicity"), st.sampled_from(NAMES), st.floats(0, 1)),
    st.tuples(st.just("wait"), st.floats(0, 0.01)),
    st.tuples(st.just("half-close"), directions),
)


def churn(attributes: st.SearchStrategy[Attributes], *more: Any) -> Any:
    """Draw a run: what is sent, and what is done to the toxics meanwhile."""
    changes = st.tuples(st.just("change"), st.sampled_from(NAMES), directions, attributes)
    return st.lists(st.one_of(*common, changes, changes, *more), min_size=1, max_size=12)


class Conversation:
    """One connection, whose two ends send, and read all they get."""

    def __init__(self, bench: Any, ends: Any) -> None:
        self._toxics = bench.proxy.toxics
        self._bench = bench
        (client, to_server), (server, to_client) = ends
        self._writers = {Direction.UPSTREAM: to_server, Direction.DOWNSTREAM: to_client}
        self.sent = {Direction.UPSTREAM: b"", Direction.DOWNSTREAM: b""}
        self.got = {Direction.UPSTREAM: b"", Direction.DOWNSTREAM: b""}
        self._ended: set[Direction] = set()
        self._random = random.Random(5)
        self._readers = [
            asyncio.ensure_future(self._read(reader, direction))
            for direction, reader in ((Direction.UPSTREAM, server), (Direction.DOWNSTREAM, client))
        ]

    def act(self, step: Any) -> None:
        """Do one step of a run, except waiting."""
        kind, *arguments = step
        getattr(self, f"_{kind.replace('-', '_')}")(*arguments)

    async def settle(self) -> None:
        """End both sides, and read to the end."""
        for direction in Direction:
            self._half_close(direction)
        await asyncio.gather(*self._readers)

    async def _read(self, reader: asyncio.StreamReader, direction: Direction) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self.got[direction] += data

    def _send(self, direction: Direction, size: int) -> None:
        if direction not in self._ended and not self._writers[direction].transport.is_closing():
            data = self._random.randbytes(size)
            self.sent[direction] += data
            self._writers[direction].write(data)

    def _half_close(self, direction: Direction) -> None:
        if direction not in self._ended:
            self._ended.add(direction)
            with contextlib.suppress(OSError):
                if not self._writers[direction].transport.is_closing():
                    self._writers[direction].write_eof()

    def _change(self, name: str, direction: Direction, attributes: Attributes) -> None:
        toxic = self._toxics.by_name.get(name)
        if toxic is None:
            self._toxics.add(Toxic(name, direction, direction, 1.0, attributes))
        elif type(toxic.attributes) is type(attributes):
            self._toxics.update(toxic, attributes, toxic.toxicity)
        else:
            self._toxics.remove(toxic)

    def _remove(self, name: str) -> None:
        if name in self._toxics.by_name:
            self._toxics.remove(self._toxics.by_name[name])

    def _toxicity(self, name: str, value: float) -> None:
        toxic = self._toxics.by_name.get(name)
        if toxic is not None:
            self._toxics.update(toxic, toxic.attributes, value)

    def _disable(self) -> None:
        self._bench.proxy.stop()

    def _abort(self, direction: Direction) -> None:
        writer = self._writers[direction]
        sock = writer.get_extra_info("socket")
        if not writer.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


async def play(bench: Any, steps: Any) -> Conversation:
    """Play a run, then heal everything, and wait for the end of the connection."""
    problems: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    conversation = Conversation(bench, await bench.pair())
    for step in steps:
        if step[0] == "wait":
            await asyncio.sleep(step[1])
        else:
            conversation.act(step)
    bench.proxy.toxics.clear()
    await conversation.settle()
    await bench.all_over()
    assert problems == []
    return conversation


Run = Callable[..., None]


@pytest.mark.parametrize("with_bench", ["asyncio", "uvloop"], indirect=True)
@given(steps=churn(harmless))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_byte_is_lost_or_reordered(with_bench: Run, steps: Any) -> None:
    """Whatever toxics come and go that lose nothing: both sides get exactly what was sent."""

    async def test(bench: Any) -> None:
        conversation = await play(bench, steps)

        assert conversation.got == conversation.sent

    with_bench(test, seed=1)


@pytest.mark.parametrize("with_bench", ["asyncio", "uvloop"], indirect=True)
@given(steps=churn(harmful, st.tuples(st.just("disable")), st.tuples(st.just("abort"), directions)))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_arrives_is_a_beginning_of_what_was_sent(
    with_bench: Run, open_sockets: Callable[[], frozenset[str]], steps: Any
) -> None:
    """Whatever ends the connection: no byte is invented, reordered or left out before it, and the end comes."""
    before = open_sockets()

    async def test(bench: Any) -> None:
        conversation = await play(bench, steps)

        for direction in Direction:
            assert conversation.sent[direction].startswith(conversation.got[direction])

    with_bench(test, seed=1)
    assert open_sockets() - before == frozenset()


@pytest.mark.parametrize("with_bench", ["uvloop"], indirect=True)
@given(steps=churn(harmful, st.tuples(st.just("disable")), st.tuples(st.just("abort"), directions)))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_imitation_survives_everything_too(with_bench: Run, steps: Any) -> None:
    """With `--compat` nothing crashes or hangs either."""

    async def test(bench: Any) -> None:
        await play(bench, steps)

    with_bench(test, seed=1, compat=True)
