"""What surprises in Toxiproxy, and what `--compat` therefore does too."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Connect = Callable[[tuple[str, int]], socket.socket]


@pytest.fixture(params=["ours-compat", "toxiproxy"])
def engine(request: pytest.FixtureRequest, pool: Any) -> Iterator[Any]:
    """The imitation and the original."""
    one = pool.borrow(request.param)
    yield one
    pool.give_back(one)


def opened(engine: Any, servers: Any, connect: Connect) -> socket.socket:
    """Open a connection through which data has passed."""
    client = connect(engine.proxy(servers.echo()))
    client.sendall(b"x")
    client.recv(1)
    return client


def test_half_close_loses_the_reply(engine: Any, servers: Any, connect: Connect) -> None:
    """A client that ends its side gets no reply any more."""
    client = connect(engine.proxy(servers.count()))
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)

    assert client.recv(10) == b""


def test_reset_peer_on_a_live_connection_is_an_ordinary_close(
    engine: Any, servers: Any, connect: Connect
) -> None:
    """It waits for data, which is lost, and then sends FIN."""
    client = opened(engine, servers, connect)
    engine.toxic("reset_peer", timeout=1)
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(30)
    client.sendall(b"lost")

    assert client.recv(10) == b""


def test_a_default_listen_is_open_to_the_network(engine: Any) -> None:
    """A proxy that is not told where to listen listens everywhere."""
    reply = engine.call("POST", "/proxies", {"name": "p", "upstream": "x"})

    assert reply.json["listen"].startswith("[::]:")


def test_a_disabled_proxy_loses_its_port(engine: Any) -> None:
    """Whoever asks for the port of a disabled proxy gets it, and the proxy cannot come back."""
    address = engine.proxy("x")
    engine.call("PATCH", "/proxies/p", {"enabled": False})

    with socket.create_server(address):
        assert engine.call("PATCH", "/proxies/p", {"enabled": True}).status == 500


def test_a_change_that_fails_leaves_the_proxy_stopped(engine: Any, servers: Any, connect: Connect) -> None:
    """A taken port: the old listener is gone, and the new addresses stand."""
    address = engine.proxy(servers.echo())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert engine.call("PATCH", "/proxies/p", {"listen": listen, "upstream": "y"}).status == 500

    shown = engine.call("GET", "/proxies/p").json
    assert (shown["listen"], shown["upstream"], shown["enabled"]) == (listen, "y", False)
    with pytest.raises(ConnectionRefusedError):
        connect(address)


def test_toxicity_is_drawn_anew_with_every_update(engine: Any, servers: Any, connect: Connect) -> None:
    """A connection that a toxic spared is hit after enough updates that change nothing."""
    client = opened(engine, servers, connect)
    engine.toxic("limit_data", toxicity=0.5, bytes=1_000_000)
    for _ in range(60):
        engine.call("PATCH", "/proxies/p/toxics/limit_data_downstream", {"attributes": {"bytes": 1}})
        client.sendall(b"xx")
        if len(client.recv(2)) < 2:
            break

    assert client.recv(2) == b""
