"""Our `bandwidth` knows rates that are no whole kilobytes, and no client of Toxiproxy ever sees that."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from pytest_resilience.services.engine import EngineClient, start_engine
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy_client import EngineRefusedError


@pytest.fixture
def client() -> Iterator[EngineClient]:
    """A client of an engine with a proxy `p`."""
    run = RunFolder.make()
    _, address = start_engine(run, "engine", seed=0)
    client = EngineClient(address.host, address.port)
    client.create_proxy("p", "127.0.0.1:1")
    yield client
    run.end()


def test_whoever_does_not_ask_is_not_told(client: EngineClient) -> None:
    """Without the attribute the toxic looks as it does in Toxiproxy, after an update too."""
    made = client.call("POST", "/proxies/p/toxics", {"type": "bandwidth", "attributes": {"rate": 3}})
    changed = client.call("POST", f"/proxies/p/toxics/{made['name']}", {"attributes": {"rate": 4}})

    assert (made["attributes"], changed["attributes"]) == ({"rate": 3}, {"rate": 4})
    assert json.dumps(client.toxics("p")).count("bytes_per_second") == 0


def test_whoever_asks_reads_it_back(client: EngineClient) -> None:
    """With the attribute the exact rate is confirmed."""
    settings = {"rate": 1, "bytes_per_second": 5}
    client.add_toxic("p", {"type": "bandwidth", "name": "exact", "attributes": settings})

    assert [toxic["attributes"] for toxic in client.toxics("p")] == [settings]


@pytest.mark.parametrize(("rate", "size"), [(50, 20), (5, 2), (1_500, 600)])
def test_bytes_take_their_time(client: EngineClient, rate: int, size: int) -> None:
    """At so many bytes a second the last byte has come when a line of that rate would have carried it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        listen = client.create_proxy("q", f"127.0.0.1:{server.getsockname()[1]}")
        settings = {"rate": 1, "bytes_per_second": rate}
        client.add_toxic("q", {"type": "bandwidth", "name": "exact", "attributes": settings})
        with socket.create_connection(("127.0.0.1", int(listen.rpartition(":")[2]))) as reader:
            writer, _ = server.accept()
            with writer:
                began = time.monotonic()
                writer.sendall(b"x" * size)
                received = reader.recv(size, socket.MSG_WAITALL)
                took = time.monotonic() - began

    assert (len(received), took >= 0.39) == (size, True)


@pytest.mark.parametrize("rate", [-1, 2**62])
def test_nonsense_is_refused(client: EngineClient, rate: int) -> None:
    """A rate below nothing, or too large to compute with, is a 400."""
    with pytest.raises(EngineRefusedError, match=r"status 400: .*bytes_per_second must be at"):
        client.add_toxic("p", {"type": "bandwidth", "attributes": {"bytes_per_second": rate}})
