"""What every toxic does to a connection, on every engine."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

Connect = Callable[[tuple[str, int]], socket.socket]


def receive(sock: socket.socket, size: int) -> bytes:
    """Read so many bytes, or to the end."""
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def silent(sock: socket.socket, seconds: float = 0.3) -> bool:
    """Tell whether nothing comes for a while, not even an end."""
    sock.settimeout(seconds)
    try:
        return sock.recv(1) is None
    except TimeoutError:
        return True
    finally:
        sock.settimeout(30)


def test_data_passes_both_ways_unchanged(engine: Any, servers: Any, connect: Connect) -> None:
    """A megabyte comes back as it was sent."""
    client = connect(engine.proxy(servers.echo()))
    sent = random.Random(1).randbytes(1_000_000)
    sender = threading.Thread(target=client.sendall, args=(sent,))
    sender.start()

    received = receive(client, len(sent))
    sender.join()

    assert sent == received


def test_a_server_that_speaks_first_is_heard(engine: Any, servers: Any, connect: Connect) -> None:
    """What a server says on its own, and its close, reach the client."""
    client = connect(engine.proxy(servers.says(b"hello")))

    assert receive(client, 100) == b"hello"


def test_dead_upstream_is_connect_then_end(engine: Any, connect: Connect) -> None:
    """A client of a dead server gets a connection, and at once its end."""
    client = connect(engine.proxy("127.0.0.1:1"))

    assert client.recv(1) == b""


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latency_delays_data(engine: Any, servers: Any, connect: Connect, stream: str) -> None:
    """A reply comes no sooner than the latency."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("latency", stream, latency=200)
    begun = time.monotonic()
    client.sendall(b"hi")

    assert receive(client, 2) == b"hi"
    assert time.monotonic() - begun >= 0.2


def test_latency_is_pipelined(engine: Any, servers: Any, connect: Connect) -> None:
    """Ten chunks in a row are each late by the latency, not by ten times it."""
    client = connect(engine.proxy(servers.echo()))
    slower = connect(engine.proxy(servers.echo(), name="slower"))
    tick = connect(engine.proxy(servers.echo(), name="tick"))
    engine.toxic("latency", latency=500)
    reply = engine.call(
        "POST", "/proxies/slower/toxics", {"type": "latency", "attributes": {"latency": 4500}}
    )
    assert reply.status == 200, reply.body
    begun = time.monotonic()
    slower.sendall(b"x")
    for _ in range(10):
        client.sendall(b"x")
        tick.sendall(b"x")
        receive(tick, 1)  # the engine has been round, so the next byte is a chunk of its own
    received = receive(client, 10)
    took = time.monotonic() - begun
    slower.setblocking(False)

    assert received == b"x" * 10
    assert took >= 0.5
    with pytest.raises(BlockingIOError):  # one after the other they would have taken longer than this one
        slower.recv(1)


def test_two_latencies_add_up(engine: Any, servers: Any, connect: Connect) -> None:
    """Two toxics of one direction delay one after the other."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("latency", name="one", latency=150)
    engine.toxic("latency", name="two", latency=150)
    begun = time.monotonic()
    client.sendall(b"hi")

    assert receive(client, 2) == b"hi"
    assert time.monotonic() - begun >= 0.3


def test_latency_keeps_the_order_under_jitter(engine: Any, servers: Any, connect: Connect) -> None:
    """However the delays are drawn, bytes arrive as they were sent."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("latency", latency=20, jitter=20)
    sent = bytes(range(100))
    for value in sent:
        client.sendall(bytes([value]))

    assert sent == receive(client, 100)


def test_removed_latency_lets_go_of_what_it_holds(engine: Any, servers: Any, connect: Connect) -> None:
    """What is held arrives when the toxic is removed, and later data is not delayed."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("latency", latency=3_600_000)
    client.sendall(b"hi")
    assert silent(client)
    assert engine.call("DELETE", "/proxies/p/toxics/latency_downstream").status == 204
    client.sendall(b" there")

    assert receive(client, 8) == b"hi there"


def test_bandwidth_limits_the_rate(engine: Any, servers: Any, connect: Connect) -> None:
    """40 KB at 100 KB/s take no less than 0.4 seconds, but for the last slice."""
    client = connect(engine.proxy(servers.count()))
    engine.toxic("bandwidth", "upstream", rate=100)
    begun = time.monotonic()
    client.sendall(bytes(40_000))
    if engine.name == "ours":
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 5) == b"40000"
        assert time.monotonic() - begun >= 0.4


def test_bandwidth_zero_holds_until_removed(engine: Any, servers: Any, connect: Connect) -> None:
    """Without a rate nothing passes; all of it does when the toxic is removed."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("bandwidth", rate=0)
    client.sendall(b"hello")
    assert silent(client)
    engine.call("DELETE", "/proxies/p/toxics/bandwidth_downstream")

    assert receive(client, 5) == b"hello"


def test_slow_close_holds_the_end_alone(engine: Any, servers: Any, connect: Connect) -> None:
    """Data arrives at once, the close after the delay."""
    address = engine.proxy(servers.says(b"hello"))
    engine.toxic("slow_close", delay=400)
    begun = time.monotonic()
    client = connect(address)

    assert receive(client, 5) == b"hello"
    assert client.recv(1) == b""
    assert time.monotonic() - begun >= 0.4


def test_timeout_discards_and_closes(engine: Any, servers: Any, connect: Connect) -> None:
    """Nothing passes, and after the silence the connection ends."""
    client = connect(engine.proxy(servers.echo()))
    client.sendall(b"x")
    receive(client, 1)
    begun = time.monotonic()
    engine.toxic("timeout", timeout=300)
    client.sendall(b"lost")

    assert client.recv(10) == b""
    assert time.monotonic() - begun >= 0.3


def test_timeout_zero_never_closes_but_its_removal_does(engine: Any, servers: Any, connect: Connect) -> None:
    """Without a time-out data is discarded for ever; removing the toxic closes the connection."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("timeout", timeout=0)
    client.sendall(b"lost")
    assert silent(client)
    engine.call("DELETE", "/proxies/p/toxics/timeout_downstream")

    assert client.recv(10) == b""


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_reset_peer_resets(engine: Any, servers: Any, connect: Connect, stream: str) -> None:
    """A connection opened under the toxic gets a real RST, after the time and instead of data."""
    address = engine.proxy(servers.echo())
    engine.toxic("reset_peer", stream, timeout=200)
    begun = time.monotonic()
    client = connect(address)
    client.sendall(b"hi")

    with pytest.raises(ConnectionResetError):
        client.recv(10)
    assert time.monotonic() - begun >= 0.2


def test_slicer_cuts_data(engine: Any, servers: Any, connect: Connect) -> None:
    """A hundred bytes come as pieces of the size, in order, with pauses between them."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("slicer", average_size=10, size_variation=2, delay=20_000)
    sent = bytes(range(100))
    client.sendall(sent)
    pieces = []
    while sum(map(len, pieces)) < 100:
        pieces.append(client.recv(100))

    assert sent == b"".join(pieces)
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 50


@pytest.mark.parametrize("limit", [1, 5, 99_999])
def test_limit_data_passes_exactly_so_much(engine: Any, servers: Any, connect: Connect, limit: int) -> None:
    """So many bytes arrive, then the end."""
    address = engine.proxy(servers.says(bytes(100_000)))
    engine.toxic("limit_data", bytes=limit)

    assert len(receive(connect(address), 1_000_000)) == limit


def test_limit_data_counts_from_when_it_was_added(engine: Any, servers: Any, connect: Connect) -> None:
    """What had passed before does not count."""
    client = connect(engine.proxy(servers.echo()))
    client.sendall(b"before")
    receive(client, 6)
    engine.toxic("limit_data", bytes=3)
    client.sendall(b"after")

    assert receive(client, 100) == b"aft"


def test_noop_changes_nothing(engine: Any, servers: Any, connect: Connect) -> None:
    """Data passes."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("noop")
    client.sendall(b"hi")

    assert receive(client, 2) == b"hi"


def test_a_disabled_proxy_refuses_and_ends_connections(engine: Any, servers: Any, connect: Connect) -> None:
    """`enabled: false` ends live connections and refuses new ones, until it is enabled again."""
    address = engine.proxy(servers.echo())
    client = connect(address)
    client.sendall(b"hi")
    receive(client, 2)
    engine.call("PATCH", "/proxies/p", {"enabled": False})

    assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(address)
    engine.call("PATCH", "/proxies/p", {"enabled": True})
    client = connect(address)
    client.sendall(b"hi")
    assert receive(client, 2) == b"hi"


def test_an_update_acts_on_live_connections(engine: Any, servers: Any, connect: Connect) -> None:
    """What a toxic is changed to holds for the next data."""
    client = connect(engine.proxy(servers.echo()))
    engine.toxic("latency", latency=3_600_000)
    engine.call("PATCH", "/proxies/p/toxics/latency_downstream", {"attributes": {"latency": 100}})
    begun = time.monotonic()
    client.sendall(b"hi")

    assert receive(client, 2) == b"hi"
    assert time.monotonic() - begun >= 0.1


def test_another_upstream_ends_connections_and_keeps_toxics(
    engine: Any, servers: Any, connect: Connect
) -> None:
    """After a change of the server the next connection leads there, under the same toxics."""
    address = engine.proxy(servers.says(b"old"))
    assert receive(connect(address), 10) == b"old"
    engine.toxic("latency", latency=1)
    reply = engine.call("PATCH", "/proxies/p", {"upstream": servers.says(b"new")})

    assert receive(connect(address), 10) == b"new"
    assert [toxic["name"] for toxic in reply.json["toxics"]] == ["latency_downstream"]


def test_reset_heals_everything(engine: Any, servers: Any, connect: Connect) -> None:
    """`/reset` enables proxies and removes toxics."""
    address = engine.proxy(servers.echo())
    engine.toxic("bandwidth", rate=0)
    engine.call("PATCH", "/proxies/p", {"enabled": False})
    assert engine.call("POST", "/reset").status == 204
    client = connect(address)
    client.sendall(b"hi")

    assert receive(client, 2) == b"hi"


def test_a_deleted_proxy_ends_its_connections(engine: Any, servers: Any, connect: Connect) -> None:
    """After a delete its connections are over, and its port can be had at once."""
    address = engine.proxy(servers.echo())
    client = connect(address)
    client.sendall(b"hi")
    receive(client, 2)
    assert engine.call("DELETE", "/proxies/p").status == 204

    assert client.recv(1) == b""
    again = engine.call(
        "POST", "/proxies", {"name": "q", "upstream": "x", "listen": f"{address[0]}:{address[1]}"}
    )
    assert again.status == 201
