"""A listener is seen without a connection to it, and is reached by the address that is told."""

from __future__ import annotations

import select
import socket

import pytest

from pytest_resilience.services import listening, sock_diag
from pytest_resilience.services.listening import listening_host


def listener(family: int, host: str) -> socket.socket:
    """Return a socket that listens on a free port."""
    server = socket.socket(family, socket.SOCK_STREAM)
    server.bind((host, 0))
    server.listen()
    return server


@pytest.fixture(params=["told", "listed"])
def source(request, monkeypatch):
    """Let the kernel be asked, or have its tables read where it does not answer."""
    if request.param == "listed":
        monkeypatch.setattr(sock_diag, "BY_FAMILY", 0xFFF)


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    ("family", "host", "expected"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "127.0.1.1", "127.0.1.1"),
        (socket.AF_INET, "0.0.0.0", "127.0.0.1"),  # noqa: S104 - that is what is tested
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "localhost"),
    ],
)
def test_listener_is_found(family, host, expected):
    """The address leads to it, and nothing has connected to it before."""
    try:
        server = listener(family, host)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        port = server.getsockname()[1]
        found = listening_host(port)
        ready = select.select([server], [], [], 0)[0]
        with socket.create_connection((found, port)):
            pass

    assert (found, ready) == (expected, [])


@pytest.mark.usefixtures("source")
def test_nothing_listens():
    """A bound socket that does not listen, and a connected one, are no listeners."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        assert listening_host(bound.getsockname()[1]) is None


def test_without_tables(monkeypatch, tmp_path):
    """Where the system shows no tables, it is tried."""
    monkeypatch.setattr(listening, "TABLES", (tmp_path / "tcp",))
    with listener(socket.AF_INET, "127.0.0.1") as server:
        port = server.getsockname()[1]
        found = listening_host(port)

    assert (found, listening_host(port)) == ("127.0.0.1", None)
