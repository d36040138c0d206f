"""What an inspector sees, and what it can do with a connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest

from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.inspector import InspectedLink
from pytest_resilience.proxy.lane import Direction
from pytest_resilience.proxy.toxics import Latency


class Recorder:
    """Pass everything on, and note every call; tests override what they change."""

    def __init__(self, link: InspectedLink) -> None:
        self.link = link
        self.seen: list[object] = []
        self.over = asyncio.Event()
        self.news = asyncio.Event()

    def note(self, fact: object) -> None:
        self.seen.append(fact)
        self.news.set()

    def client_data(self, data: bytes) -> None:
        self.note(("client", data))
        self.link.to_server(data)

    def server_data(self, data: bytes) -> None:
        self.note(("server", data))
        self.link.to_client(data)

    def client_ended(self, *, reset: bool) -> None:
        self.note(("client ended", reset))
        (self.link.reset_server if reset else self.link.end_server)()

    def server_ended(self, *, reset: bool) -> None:
        self.note(("server ended", reset))
        (self.link.reset_client if reset else self.link.end_client)()

    def closed(self) -> None:
        self.note("closed")
        self.over.set()


def inspected(bench: Any, kind: type[Recorder] = Recorder) -> list[Recorder]:
    """Let a kind of recorder inspect the proxy's connections; return those that it makes."""
    made: list[Recorder] = []

    def inspect(link: InspectedLink) -> Recorder:
        made.append(kind(link))
        return made[-1]

    bench.proxy.inspect = inspect
    return made


async def until(recorder: Recorder, fact: object) -> None:
    """Wait until a recorder has noted a fact."""
    while fact not in recorder.seen:
        recorder.news.clear()
        await recorder.news.wait()


def abort(writer: asyncio.StreamWriter) -> None:
    """Let a socket send RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def test_it_sees_both_sides_and_their_ends(with_bench: Any) -> None:
    """A whole conversation, in order, with the number of the connection and the client's port."""

    async def test(bench: Any) -> None:
        made = inspected(bench)
        (client, to_proxy), (server, from_server) = await bench.pair()
        to_proxy.write(b"question")
        assert await server.readexactly(8) == b"question"
        to_proxy.write_eof()
        assert await server.read() == b""
        from_server.write(b"answer")
        from_server.close()
        assert await client.read() == b"answer"
        await made[0].over.wait()

        assert made[0].seen == [
            ("client", b"question"),
            ("client ended", False),
            ("server", b"answer"),
            ("server ended", False),
            "closed",
        ]
        assert (made[0].link.number, made[0].link.proxy_name) == (1, "p")
        assert made[0].link.client_port == to_proxy.get_extra_info("sockname")[1]
        assert bench.proxy.links == set()

    with_bench(test)


def test_it_can_answer_itself_and_keep_the_connection(with_bench: Any) -> None:
    """A request is not forwarded but answered; the next one passes, split and rewritten."""

    class Answers(Recorder):
        def client_data(self, data: bytes) -> None:
            if data == b"bad":
                self.link.to_client(b"error")
            else:
                for byte in data.upper():
                    self.link.to_server(bytes([byte]))

    async def test(bench: Any) -> None:
        inspected(bench, Answers)
        (client, to_proxy), (server, _) = await bench.pair()
        to_proxy.write(b"bad")
        assert await client.readexactly(5) == b"error"
        to_proxy.write(b"good")

        assert await server.readexactly(4) == b"GOOD"

    with_bench(test)


def test_what_it_sends_goes_through_the_toxics_in_order(with_bench: Any) -> None:
    """An answer of its own is as late as the replies before it, and never overtakes them."""

    class Adds(Recorder):
        def server_data(self, data: bytes) -> None:
            self.link.to_client(data)
            self.link.to_client(b"!")

    async def test(bench: Any) -> None:
        inspected(bench, Adds)
        bench.proxy.toxics.add(Toxic("slow", "downstream", Direction.DOWNSTREAM, 1.0, Latency(latency=150)))
        (client, _), (_, from_server) = await bench.pair()
        begun = asyncio.get_running_loop().time()
        from_server.write(b"hi")

        assert await client.readexactly(3) == b"hi!"
        assert asyncio.get_running_loop().time() - begun >= 0.149

    with_bench(test)


@pytest.mark.parametrize("side", ["client", "server"])
def test_an_abort_of_either_side_is_told(with_bench: Any, side: str) -> None:
    """RST of one side is told as such, and passed on by the recorder as RST."""

    async def test(bench: Any) -> None:
        made = inspected(bench)
        ends = await bench.pair()
        ends[0][1].write(b"x")
        await ends[1][0].readexactly(1)
        mine, other = ends if side == "client" else reversed(ends)
        abort(mine[1])

        with pytest.raises(ConnectionResetError):
            await other[0].read()
        await made[0].over.wait()
        assert (f"{side} ended", True) in made[0].seen

    with_bench(test)


@pytest.mark.parametrize("side", ["client", "server"])
def test_it_can_reset_one_side_and_end_the_other(with_bench: Any, side: str) -> None:
    """RST to one side alone; the other lives until it is ended, and then gets FIN."""

    class Cuts(Recorder):
        def client_data(self, data: bytes) -> None:
            if data == b"cut":
                (self.link.reset_client if side == "client" else self.link.reset_server)()
                self.link.call_later(0.05, self.finish)

        def finish(self) -> None:
            (self.link.end_server if side == "client" else self.link.end_client)()

    async def test(bench: Any) -> None:
        made = inspected(bench, Cuts)
        ends = await bench.pair()
        ends[0][1].write(b"cut")
        hit, spared = ends if side == "client" else reversed(ends)

        with pytest.raises(ConnectionResetError):
            await hit[0].read()
        assert await spared[0].read() == b""
        spared[1].close()
        await made[0].over.wait()

    with_bench(test)


def test_close_delivers_what_was_sent_before(with_bench: Any) -> None:
    """Both sides get their bytes, then FIN, although the client has more to say."""

    class Closes(Recorder):
        def client_data(self, data: bytes) -> None:
            self.link.to_server(data[:4])
            self.link.to_client(b"bye")
            self.link.close()

    async def test(bench: Any) -> None:
        inspected(bench, Closes)
        (client, to_proxy), (server, _) = await bench.pair()
        to_proxy.write(b"part of a message")

        assert await server.read() == b"part"
        assert await client.read() == b"bye"

    with_bench(test)


def test_a_paused_client_is_not_read_but_its_end_is_noticed(with_bench: Any) -> None:
    """While it is paused nothing comes; when it closes, that is told, within its bytes unread."""

    class Pauses(Recorder):
        def client_data(self, data: bytes) -> None:
            self.note(data)
            self.link.pause_client()

    async def test(bench: Any) -> None:
        made = inspected(bench, Pauses)
        (_, to_proxy), (server, _) = await bench.pair()
        to_proxy.write(b"first")
        await server_is_quiet(server)
        to_proxy.write(b"second")
        await server_is_quiet(server)
        to_proxy.close()

        assert await server.read() == b""
        assert made[0].seen[:2] == [b"first", ("client ended", False)]

    async def server_is_quiet(server: asyncio.StreamReader) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.read(1), 0.05)

    with_bench(test)


def test_a_paused_side_stops_its_sender_and_goes_on_when_resumed(with_bench: Any) -> None:
    """Ten megabytes are held by the sender's kernel, and all arrive afterwards."""

    class Pauses(Recorder):
        def client_data(self, data: bytes) -> None:
            self.link.to_server(data)
            if len(self.seen) == 0:
                self.note("paused")
                self.link.pause_client()
                self.link.call_later(0.2, self.link.resume_client)

    async def test(bench: Any) -> None:
        inspected(bench, Pauses)
        (_, to_proxy), (server, _) = await bench.pair()
        to_proxy.write(bytes(10_000_000))

        assert len(await server.readexactly(10_000_000)) == 10_000_000

    with_bench(test)


def test_a_broken_inspector_resets_both_sides(with_bench: Any, caplog: Any) -> None:
    """Its exception is logged with the connection, and neither side takes it for a healthy one."""

    class Breaks(Recorder):
        def client_data(self, data: bytes) -> None:
            raise RuntimeError(f"cannot parse {len(data)} bytes")

    async def test(bench: Any) -> None:
        made = inspected(bench, Breaks)
        (client, to_proxy), (server, _) = await bench.pair()
        to_proxy.write(b"hi")

        for reader in (client, server):
            with pytest.raises(ConnectionResetError):
                await reader.read()
        assert made[0].seen == ["closed"]
        assert "inspector of p, connection 1, failed" in caplog.text
        assert "cannot parse 2 bytes" in caplog.text

    with_bench(test)


def test_a_disabled_proxy_closes_it_and_calls_come_to_nothing(with_bench: Any) -> None:
    """`closed` comes once, timers do not fire any more, and later calls do nothing."""

    async def test(bench: Any) -> None:
        made = inspected(bench)
        await bench.pair()
        link = made[0].link
        link.call_later(0.01, lambda: made[0].note("too late"))
        bench.proxy.stop()
        for call in (
            link.end_client,
            link.end_server,
            link.reset_client,
            link.close,
            link.abort,
            link.pause_client,
        ):
            call()
        link.to_client(b"x")
        link.to_server(b"x")
        link.resume_client()
        await asyncio.sleep(0.05)

        assert made[0].seen == ["closed"]

    with_bench(test)


def test_a_connection_keeps_the_inspector_that_it_began_with(with_bench: Any) -> None:
    """A change of the proxy's inspector holds for new connections."""

    async def test(bench: Any) -> None:
        (_, plain), (plain_server, _) = await bench.pair()
        made = inspected(bench)
        (_, seen), (seen_server, _) = await bench.pair()
        plain.write(b"unseen")
        seen.write(b"seen")
        assert await plain_server.readexactly(6) == b"unseen"
        assert await seen_server.readexactly(4) == b"seen"

        assert [recorder.seen for recorder in made] == [[("client", b"seen")]]

    with_bench(test)
