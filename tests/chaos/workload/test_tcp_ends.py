"""Where a TCP socket goes is known by its inode, whether the kernel answers or a table of it is read."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from pytest_resilience.chaos.workload import tcp_ends as module
from pytest_resilience.chaos.workload.tcp_ends import TcpEnd, tcp_ends
from pytest_resilience.services.sock_diag import TcpSocket


@pytest.fixture(params=["netlink", "table", "other network"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How it is found out: without an answer, or for a process of another network, from the tables."""

    def refuse(_: int) -> Iterator[TcpSocket]:
        raise OSError("no such question")

    def must_not_read(_pid: int, name: str) -> str:
        raise AssertionError(f"the table {name} was read")

    if request.param == "netlink":
        monkeypatch.setattr(module, "net_table", must_not_read)
    elif request.param == "table":
        monkeypatch.setattr(module, "tcp_sockets", refuse)
    else:
        monkeypatch.setattr(module, "tcp_sockets", refuse)
        monkeypatch.setattr(module, "_is_in_our_network", lambda _pid: False)
    return str(request.param)


def inode(one: socket.socket) -> str:
    """Return a socket's number."""
    return str(os.fstat(one.fileno()).st_ino)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("family", "host", "dialled"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "127.0.0.1", "::ffff:127.0.0.1"),
    ],
    ids=["ipv4", "ipv6", "mapped"],
)
def test_each_kind_of_socket(family: socket.AddressFamily, host: str, dialled: str) -> None:
    """The connected one has its other side, the listener none, and one that was never connected is not there."""
    listens = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=listens) as server, socket.socket(family) as client:
        port = server.getsockname()[1]
        client.connect((dialled, port))
        with socket.socket() as idle:
            numbers = {"client": inode(client), "server": inode(server), "idle": inode(idle), "none": "1"}
            found = tcp_ends(os.getpid(), numbers.values())

    assert found.keys() == {numbers["client"], numbers["server"]}
    assert found[numbers["client"]] == TcpEnd(host, host, port)
    assert (found[numbers["server"]].local, found[numbers["server"]].port) == (host, 0)


def test_a_process_that_is_gone_has_none() -> None:
    """Whatever numbers its sockets had."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = inode(server)
    assert tcp_ends(2**22, [number]) == {}
