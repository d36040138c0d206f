"""Where proxies listen: every address of the machine, and ports that come free."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from pytest_resilience.services.quiet_port import quiet_ports

Connect = Callable[[tuple[str, int]], socket.socket]
HOSTS = ["", "0.0.0.0", "[::]"]  # noqa: S104 - that is what is tested
"""Every address of the machine."""

needs_both_versions = pytest.mark.skipif(
    not socket.has_dualstack_ipv6(), reason="this machine has no IPv6, where every address is another one"
)


@needs_both_versions
@pytest.mark.parametrize("host", HOSTS)
def test_every_address_is_those_of_both_versions(
    engine: Any, servers: Any, connect: Connect, host: str
) -> None:
    """However it is spelt: the proxy answers on IPv4 and IPv6, and says so."""
    _, port = engine.proxy(servers.says(b"hi"), listen=f"{host}:0")

    assert engine.call("GET", "/proxies/p").json["listen"] == f"[::]:{port}"
    assert [connect((loopback, port)).recv(2) for loopback in ("127.0.0.1", "::1")] == [b"hi", b"hi"]


@needs_both_versions
@pytest.mark.parametrize("host", ["", "0.0.0.0"])  # noqa: S104 - that is what is tested
def test_a_taken_port_is_told_as_it_was_asked_for(engine: Any, host: str) -> None:
    """The error repeats the spelling."""
    _, port = engine.proxy("x", listen=":0")
    reply = engine.call("POST", "/proxies", {"name": "q", "upstream": "x", "listen": f"{host}:{port}"})

    assert reply.json["error"] == f"listen tcp {host}:{port}: bind: address already in use"


def test_a_disabled_proxy_frees_the_port_that_was_named(engine: Any, servers: Any, connect: Connect) -> None:
    """Two proxies take turns on a port that both were given, and then it is somebody else's."""
    address = ("127.0.0.1", port := next(quiet_ports()))
    for name, enabled in (("blue", True), ("green", False)):
        engine.proxy(servers.says(name.encode()), name, listen=f"127.0.0.1:{port}", enabled=enabled)
    assert connect(address).recv(9) == b"blue"
    assert engine.call("PATCH", "/proxies/green", {"enabled": True}).status == 500
    engine.call("PATCH", "/proxies/blue", {"enabled": False})

    assert engine.call("PATCH", "/proxies/green", {"enabled": True}).status == 200
    assert connect(address).recv(9) == b"green"
    engine.call("PATCH", "/proxies/green", {"enabled": False})
    with socket.create_server(address):
        assert engine.call("PATCH", "/proxies/blue", {"enabled": True}).status == 500
    assert engine.call("PATCH", "/proxies/blue", {"enabled": True}).status == 200
