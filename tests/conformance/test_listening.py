"""Where proxies listen: every address of the machine, in whatever spelling."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

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
