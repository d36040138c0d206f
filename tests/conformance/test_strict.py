"""Where Toxiproxy hangs, crashes or surprises, and our engine is right: strict, the default."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

Connect = Callable[[tuple[str, int]], socket.socket]
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def echoed(sock: socket.socket, data: bytes = b"ping") -> bytes:
    """Send, and read as much back."""
    sock.sendall(data)
    answer = b""
    while len(answer) < len(data) and (more := sock.recv(len(data))):
        answer += more
    return answer


def every_control_call(engine: Any) -> None:
    """Add, change and remove toxics, disable, enable, list and reset: each call has to come back."""
    for stream in ("upstream", "downstream"):
        assert engine.toxic("latency", stream, latency=10).status == 200
        path = f"/proxies/p/toxics/latency_{stream}"
        assert engine.call("PATCH", path, {"attributes": {"latency": 20}}).status == 200
        assert engine.call("DELETE", path).status == 204
    assert engine.call("GET", "/proxies").status == 200
    assert engine.call("POST", "/reset").status == 204
    assert engine.call("PATCH", "/proxies/p", {"enabled": False}).status == 200
    assert engine.call("PATCH", "/proxies/p", {"enabled": True}).status == 200
    assert engine.call("DELETE", "/proxies/p").status == 204


@pytest.mark.parametrize("reset", [False, True])
def test_clients_dead_behind_latency_hang_no_call(
    ours: Any, servers: Any, connect: Connect, *, reset: bool
) -> None:
    """Clients close, or abort, while replies to them are held: every control call comes back."""
    address = ours.proxy(servers.says(bytes(100_000)))
    ours.toxic("latency", name="slow", latency=3_600_000)
    for _ in range(20):
        client = connect(address)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.close()

    every_control_call(ours)


def test_peers_that_read_nothing_hang_no_call(ours: Any, servers: Any, connect: Connect) -> None:
    """Both sides send and neither reads, until everything is full: every control call comes back."""
    address = ours.proxy(servers.silent())
    for _ in range(5):
        client = connect(address)
        client.setblocking(False)
        fill(client)

    every_control_call(ours)


def fill(client: socket.socket) -> None:
    """Send until nothing more is taken."""
    with contextlib.suppress(BlockingIOError):
        while client.send(bytes(1_000_000)):
            pass


def test_a_pending_reset_hangs_no_call(ours: Any, servers: Any, connect: Connect) -> None:
    """A reset that is still to come: every control call comes back."""
    address = ours.proxy(servers.echo())
    ours.toxic("reset_peer", timeout=3_600_000)
    connect(address).sendall(b"hi")

    every_control_call(ours)


def test_an_upstream_that_does_not_accept_hangs_no_call(ours: Any, connect: Connect) -> None:
    """The server's queue is full, so that connections to it never open: every control call comes back."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = ours.proxy(f"127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(10):
            connect(address).sendall(b"hi")

        every_control_call(ours)


def acting_on(engine: Any, servers: Any, connect: Connect, connections: int = 24) -> list[bool]:
    """Tell for each of some connections whether a toxic of half toxicity acts on it."""
    address = engine.proxy(servers.echo())
    engine.toxic("limit_data", toxicity=0.5, bytes=1)
    return [len(echoed(connect(address))) < 4 for _ in range(connections)]


def test_the_same_seed_draws_the_same(start: Any, servers: Any, connect: Connect) -> None:
    """Which connections a toxic acts on follows from the seed, and changes with it."""
    drawn = []
    for seed in ("7", "7", "8"):
        with start("ours", "-seed", seed) as engine:
            drawn.append(acting_on(engine, servers, connect))

    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert {True, False} == set(drawn[0])


def test_toxicity_is_drawn_once_a_connection(ours: Any, servers: Any, connect: Connect) -> None:
    """Neither an update of the toxic nor a new neighbour changes whom it acts on."""
    address = ours.proxy(servers.echo())
    clients = [connect(address) for _ in range(16)]
    assert [echoed(client) for client in clients] == [b"ping"] * 16
    ours.toxic("limit_data", toxicity=0.5, bytes=1_000)
    for number in range(5):
        ours.call("PATCH", "/proxies/p/toxics/limit_data_downstream", {"attributes": {"bytes": 1_000}})
        ours.toxic("noop", name=f"neighbour {number}")
    ours.call("PATCH", "/proxies/p/toxics/limit_data_downstream", {"attributes": {"bytes": 1}})
    acted = [len(echoed(client)) < 4 for client in clients]
    ours.call("PATCH", "/proxies/p/toxics/limit_data_downstream", {"toxicity": 0.5})
    spared = [client for client, hit in zip(clients, acted, strict=True) if not hit]

    assert {True, False} == set(acted)
    assert [b"ping"] * len(spared) == [echoed(client) for client in spared]


@pytest.mark.parametrize("kind", ["timeout", "reset_peer"])
def test_toxicity_zero_is_inert(ours: Any, servers: Any, connect: Connect, kind: str) -> None:
    """A toxic that acts on nobody does nothing, not even when it is removed or the connection closes."""
    address = ours.proxy(servers.echo())
    ours.toxic(kind, toxicity=0.0)
    client = connect(address)
    assert echoed(client) == b"ping"
    ours.call("DELETE", f"/proxies/p/toxics/{kind}_downstream")

    assert echoed(client) == b"ping"
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""


def test_half_close_is_passed_on(ours: Any, servers: Any, connect: Connect) -> None:
    """A client that has said all it has to say still gets the reply."""
    client = connect(ours.proxy(servers.count()))
    client.sendall(bytes(300_000))
    client.shutdown(socket.SHUT_WR)

    assert b"".join(iter(lambda: client.recv(100), b"")) == b"300000"


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("timeout", [0, 200])
def test_reset_peer_resets_live_idle_connections(
    ours: Any, servers: Any, connect: Connect, stream: str, timeout: int
) -> None:
    """Client and server of a live connection get RST without having sent anything more."""
    client = connect(ours.proxy(servers.echo()))
    assert echoed(client) == b"ping"
    begun = time.monotonic()
    ours.toxic("reset_peer", stream, timeout=timeout)

    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert time.monotonic() - begun >= timeout / 1000


def test_a_removed_reset_peer_lets_everything_pass(ours: Any, servers: Any, connect: Connect) -> None:
    """What was held for a reset that is called off arrives, and the connection lives."""
    client = connect(ours.proxy(servers.echo()))
    ours.toxic("reset_peer", timeout=3_600_000)
    client.sendall(b"held")
    ours.call("DELETE", "/proxies/p/toxics/reset_peer_downstream")

    assert client.recv(4) == b"held"
    assert echoed(client) == b"ping"


def test_an_abort_is_passed_on(ours: Any, servers: Any, connect: Connect) -> None:
    """A client's RST reaches the server as RST, behind the data."""
    seen: list[object] = []
    first, done = threading.Event(), threading.Event()

    def talk(connection: socket.socket) -> None:
        try:
            while data := connection.recv(100):
                seen.append(data)
                first.set()
        except OSError as error:
            seen.append(type(error))
        done.set()

    client = connect(ours.proxy(servers.serve(talk)))
    client.sendall(b"hi")
    assert first.wait(30)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    client.close()

    assert done.wait(30)
    assert [b"hi", ConnectionResetError] == seen


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR,)])
def test_a_disabled_proxy_keeps_its_port(
    ours: Any, servers: Any, connect: Connect, options: tuple[int, ...]
) -> None:
    """Nobody else gets the port of a disabled proxy, connections to it are refused, and it comes back on it."""
    address = ours.proxy(servers.echo())
    assert echoed(connect(address)) == b"ping"
    ours.call("PATCH", "/proxies/p", {"enabled": False})

    with socket.socket() as thief:
        for option in options:
            thief.setsockopt(socket.SOL_SOCKET, option, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind(address)
    with pytest.raises(ConnectionRefusedError):
        connect(address)
    assert ours.call("PATCH", "/proxies/p", {"enabled": True}).status == 200
    assert echoed(connect(address)) == b"ping"


@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost", ""])
def test_a_port_that_was_drawn_stays_so(ours: Any, listen: str) -> None:
    """Naming the number afterwards, by whatever host, does not make the port one to be freed."""
    _, port = ours.proxy("x")
    assert ours.call("PATCH", "/proxies/p", {"listen": f"{listen}:{port}"}).status == 200
    ours.call("PATCH", "/proxies/p", {"enabled": False})

    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind(("127.0.0.1", port))


@pytest.mark.parametrize("enabled", [True, False])
def test_two_proxies_or_two_servers_never_share_a_port(
    ours: Any, start: Any, servers: Any, *, enabled: bool
) -> None:
    """A second proxy on a port, of the same server or of another, is an error, whether the first is enabled or not."""
    host, port = ours.proxy(servers.echo())
    ours.call("PATCH", "/proxies/p", {"enabled": enabled})
    second = {"name": "q", "upstream": "x", "listen": f"{host}:{port}"}
    taken = {"error": f"listen tcp {host}:{port}: bind: address already in use", "status": 500}

    assert taken == ours.call("POST", "/proxies", second).json
    with start("ours") as other:
        assert taken == other.call("POST", "/proxies", second).json


def test_a_change_that_fails_changes_nothing(ours: Any, servers: Any, connect: Connect) -> None:
    """A taken port leaves the proxy as it was: same addresses, enabled, its connections alive."""
    client = connect(ours.proxy(servers.echo()))
    assert echoed(client) == b"ping"
    before = ours.call("GET", "/proxies/p").body
    with socket.create_server(("127.0.0.1", 0)) as taken:
        change = {"listen": f"127.0.0.1:{taken.getsockname()[1]}", "upstream": "elsewhere:1", "enabled": True}
        assert ours.call("PATCH", "/proxies/p", change).status == 500

    assert before == ours.call("GET", "/proxies/p").body
    assert echoed(client) == b"ping"


@pytest.mark.parametrize("listed", [False, True])
def test_a_start_that_fails_changes_nothing(ours: Any, *, listed: bool) -> None:
    """A disabled proxy whose own port is taken keeps its server when a change would also enable it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        ours.call("POST", "/proxies", {"name": "p", "upstream": "x", "listen": listen, "enabled": False})
        before = ours.call("GET", "/proxies/p").body
        change = {"name": "p", "upstream": "elsewhere:1", "listen": listen, "enabled": True}
        path, body = ("/populate", [change]) if listed else ("/proxies/p", change)

        assert ours.call("POST", path, body).status == 500
        assert before == ours.call("GET", "/proxies/p").body


def test_a_wider_address_on_the_same_port_is_a_change_like_any_other(
    ours: Any, servers: Any, connect: Connect
) -> None:
    """From one address of a port to all of them: the old one is given up for it."""
    _, port = ours.proxy(servers.echo())

    assert ours.call("PATCH", "/proxies/p", {"listen": f":{port}"}).status == 200
    assert echoed(connect(("127.0.0.1", port))) == b"ping"


@pytest.mark.parametrize("spelling", [":{}", "0.0.0.0:{}", "[::]:{}", "[0::0]:{}"])
def test_another_spelling_of_the_address_is_no_change(
    ours: Any, servers: Any, connect: Connect, spelling: str
) -> None:
    """Connections live on when the same address is given in other words, to the proxy or in a list."""
    _, port = ours.proxy(upstream := servers.echo(), listen=":0")
    client = connect(("127.0.0.1", port))
    assert echoed(client) == b"ping"
    listen = spelling.format(port)

    assert ours.call("PATCH", "/proxies/p", {"listen": listen}).status == 200
    assert echoed(client) == b"ping"
    ours.call("POST", "/populate", [{"name": "p", "listen": listen, "upstream": upstream}])
    assert echoed(client) == b"ping"


def test_populate_honours_toxics_and_enabled(ours: Any, servers: Any, connect: Connect) -> None:
    """What a list says of toxics and of `enabled` holds, also for a proxy that is kept, whose connections live on."""
    host, port = ours.proxy(upstream := servers.echo())
    client = connect((host, port))
    assert echoed(client) == b"ping"
    same = {"name": "p", "upstream": upstream, "listen": f"{host}:{port}"}
    toxics = [{"type": "latency", "attributes": {"latency": 1}}, {"type": "noop", "stream": "upstream"}]

    reply = ours.call("POST", "/populate", [{**same, "toxics": toxics}])
    assert [t["name"] for t in reply.json["proxies"][0]["toxics"]] == ["noop_upstream", "latency_downstream"]
    assert echoed(client) == b"ping"
    reply = ours.call("POST", "/populate", [{**same, "toxics": [*toxics, {"type": "nonsense"}]}])
    assert reply.json == {"error": "invalid toxic type at proxy 1", "status": 400, "proxies": None}
    ours.call("POST", "/populate", [{**same, "enabled": False}])
    assert client.recv(1) == b""
    assert len(ours.call("GET", "/proxies/p/toxics").json) == 2


def test_a_default_listen_is_loopback(ours: Any) -> None:
    """A proxy that is not told where to listen is not open to the network."""
    reply = ours.call("POST", "/proxies", {"name": "p", "upstream": "x"})

    assert reply.json["listen"].startswith("127.0.0.1:")


def test_a_server_on_a_unix_socket(ours: Any, servers: Any, connect: Connect, tmp_path: Any) -> None:
    """An upstream may be `unix:` and a path."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        client = connect(ours.proxy(f"unix:{path}"))
        client.sendall(b"hi")
        with listener.accept()[0] as accepted:
            assert accepted.recv(2) == b"hi"
            accepted.sendall(b"ho")
            accepted.shutdown(socket.SHUT_WR)

            assert client.recv(9) == b"ho"
            assert client.recv(1) == b""


def test_the_body_of_a_request_may_be_huge(ours: Any) -> None:
    """A list of a thousand proxies is no problem."""
    listed = [{"name": f"p{n}", "upstream": "x", "enabled": False} for n in range(1000)]

    assert len(ours.call("POST", "/populate", json.dumps(listed)).json["proxies"]) == 1000


def test_the_engine_proves_where_a_toxic_acted(ours: Any, servers: Any, connect: Connect) -> None:
    """Each connection that a toxic changed anything on is told once, with the client's port; others are not."""
    address = ours.proxy(servers.echo())
    clients = [connect(address) for _ in range(3)]
    ours.toxic("latency", name="slow", latency=1)
    for client in clients[:2]:
        assert echoed(client) == b"ping"
        assert echoed(client) == b"ping"
    ours.call("DELETE", "/proxies/p/toxics/slow")
    told = ours.call("GET", "/resilience/proxies/p/toxics/slow").json

    assert [touch["client_port"] for touch in told["touched"]] == [c.getsockname()[1] for c in clients[:2]]
    assert [touch["connection"] for touch in told["touched"]] == [1, 2]
