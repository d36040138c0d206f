"""A port that a server of ours is started on is nobody else's before that server listens."""

from __future__ import annotations

import socket
import sys

import pytest

from pytest_resilience.services.process import ServiceStartError, on_free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the port cannot be held")


def _bound(port: int, *, reuse: bool) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made


def test_is_held_until_the_server_listens() -> None:
    """The kernel gives it to nobody; the server, which asks for it by name as servers do, can listen."""

    def start(port: int) -> socket.socket:
        with pytest.raises(OSError, match="already in use"):
            _bound(port, reuse=False)
        server = _bound(port, reuse=True)
        server.listen()
        return server

    with on_free_port(start) as server, socket.create_connection(server.getsockname()):
        pass


def test_starts_side_by_side_get_different_ports() -> None:
    """Two hundred that do not listen yet; without holding them the kernel may give one twice."""
    ports: list[int] = []

    def start(port: int) -> None:
        ports.append(port)
        if len(ports) < 200:
            on_free_port(start)

    on_free_port(start)

    assert len(set(ports)) == 200


def test_is_let_go_after_a_start_that_failed() -> None:
    """It is free again, and another one is tried where the server found it taken."""
    tried: list[int] = []

    def start(port: int) -> int:
        tried.append(port)
        if len(tried) == 1:
            raise ServiceStartError("Address already in use")
        return port

    assert on_free_port(start) == tried[1]
    for port in tried:
        _bound(port, reuse=False).close()
