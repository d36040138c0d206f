"""Faults at whatever comes, on connections whose protocol nobody knows."""

from __future__ import annotations

import socket

import pytest

from pytest_resilience.services.toxiproxy_client import EngineError


def said_again(line) -> bytes:
    """Ask over a connection of its own; return what comes back, nothing where it ended."""
    with socket.create_connection(("127.0.0.1", line.port), timeout=30) as connection:
        connection.sendall(b"hello")
        return connection.recv(100)


def test_so_many_connections_are_reset(line):
    """And the next is left alone."""
    fault = line.fault("reset", {"start": True}, times=2)
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            said_again(line)

    assert said_again(line) == b"hello"
    assert (line.state(fault)["state"], line.state(fault)["fired"]) == ("spent", 2)
    assert [(each["kind"], each["message"], each["side"]) for each in line.receipts] == [
        ("reset", "Data", "request")
    ] * 2


def test_a_connection_is_cut(line):
    """The client sees its end, and no answer."""
    line.fault("cut", {"start": True})

    assert said_again(line) == b""
    assert said_again(line) == b"hello"


def test_what_waits_arrives_whole_and_in_order(line):
    """Behind a delay that is healed."""
    fault = line.fault("delay", {"start": True}, by=600)
    with socket.create_connection(("127.0.0.1", line.port), timeout=30) as connection:
        connection.sendall(b"one ")
        line.wait_until_fired(fault)
        connection.sendall(b"two")
        line.heal(fault)
        received = b""
        while len(received) < 7:
            received += connection.recv(100)

    assert received == b"one two"


@pytest.mark.parametrize(
    ("kind", "when"),
    [
        ("error", {"start": True}),
        ("hang", {"start": True}),
        ("cut", {"message": "COMMIT"}),
        ("cut", {"sql": "x"}),
    ],
)
def test_what_needs_a_protocol_is_refused(line, kind, when):
    """With the protocols that it is for."""
    with pytest.raises(EngineError, match=r"is for .*postgres.*; this proxy's protocol is tcp"):
        line.fault(kind, when, **({"sqlstate": "40001"} if kind == "error" else {}))
