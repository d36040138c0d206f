"""The harness's client says the same to every engine, waits for none for ever, and believes none unseen."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.engine import EngineClient, start_engine
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy import BinaryToxiproxy
from pytest_resilience.services.toxiproxy_client import (
    EngineError,
    EngineRefusedError,
    EngineSilentError,
    ToxiproxyClient,
)

ROOT = Path(__file__).parents[2]
LATENCY = {
    "type": "latency",
    "stream": "upstream",
    "toxicity": 1.0,
    "attributes": {"latency": 7, "jitter": 2},
}


@pytest.fixture(scope="module")
def module_run() -> Iterator[RunFolder]:
    """A run folder that is ended after the module."""
    folder = RunFolder.make()
    yield folder
    folder.end()


@pytest.fixture(scope="module", params=["embedded", "binary"])
def client(request: pytest.FixtureRequest, module_run: RunFolder) -> ToxiproxyClient:
    """A client of one engine after the other."""
    if request.param == "embedded":
        _, engine = start_engine(module_run, "engine", seed=0)
        return EngineClient(engine.host, engine.port)
    try:
        found = BinaryToxiproxy.find(ROOT)
    except HarnessError as missing:
        pytest.skip(str(missing))
    _, address = found.start(module_run, "toxiproxy", None)
    return ToxiproxyClient(address.host, address.port)


def test_proxy_from_its_making_to_its_end(client: ToxiproxyClient) -> None:
    """It is made on a loopback port, closed, opened, listed and removed."""
    listen = client.create_proxy("a b", "127.0.0.1:1")
    address = ("127.0.0.1", int(listen.removeprefix("127.0.0.1:")))
    socket.create_connection(address).close()
    client.set_enabled("a b", enabled=False)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    client.set_enabled("a b", enabled=True)
    listed = client.proxies()
    client.delete_proxy("a b")

    assert (listed["a b"]["listen"], listed["a b"]["enabled"]) == (listen, True)
    assert client.proxies() == {}


def test_toxic_from_its_making_to_its_end(client: ToxiproxyClient) -> None:
    """It is added with all that it was told, and removed."""
    client.create_proxy("p", "127.0.0.1:1")
    name = client.add_toxic("p", {**LATENCY, "name": "slow"})
    seen = client.toxics("p")
    client.remove_toxic("p", name)

    assert seen == [{**LATENCY, "name": "slow"}]
    assert client.toxics("p") == []
    client.delete_proxy("p")


def test_version_is_told(client: ToxiproxyClient) -> None:
    """Both speak a version of Toxiproxy's API."""
    assert client.version().startswith("2.")


def test_refusal_has_its_status_and_words(client: ToxiproxyClient) -> None:
    """What the engine says to nonsense stands in the error."""
    with pytest.raises(
        EngineRefusedError, match=r"refused DELETE /proxies/x with status 404:.*proxy not found"
    ) as e:
        client.delete_proxy("x")

    assert e.value.status == 404


def test_nobody_there_is_told() -> None:
    """Where nobody listens, the error says what was asked, and where."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(
        EngineSilentError, match=f"Toxiproxy at 127.0.0.1:{port} gave no answer to GET /version"
    ):
        ToxiproxyClient("127.0.0.1", port).version()


def test_silence_ends_in_time() -> None:
    """Whoever accepts and says nothing is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = ToxiproxyClient("127.0.0.1", server.getsockname()[1], timeout=0.05)

        with pytest.raises(EngineSilentError, match=r"had 0\.05 s\): timed out"):
            client.proxies()


@contextmanager
def answering(body: bytes) -> Iterator[ToxiproxyClient]:
    """Run a server that gives the same answer to everything, and a client of it."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield ToxiproxyClient("127.0.0.1", server.server_address[1])
        server.shutdown()
        thread.join()


def test_liar_is_found_out() -> None:
    """An engine that says yes and does something else is an error, and not a green test."""
    with answering(b'{"name": "p", "enabled": true, "listen": "", "attributes": {"latency": 0}}') as client:
        with pytest.raises(EngineError, match="was told enabled = False and reads back True"):
            client.set_enabled("p", enabled=False)
        with pytest.raises(EngineError, match="was told latency = 7 and reads back 0"):
            client.add_toxic("p", {"attributes": {"latency": 7}})
        with pytest.raises(EngineError, match="was told name = 'q' and reads back 'p'"):
            client.create_proxy("q", "127.0.0.1:1")


def test_toxic_that_stays_is_found_out() -> None:
    """A removal after which the toxic is still listed is an error."""
    with (
        answering(b'[{"name": "slow"}]') as client,
        pytest.raises(EngineError, match="'slow' of proxy 'p' is still"),
    ):
        client.remove_toxic("p", "slow")


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"name": "x"}'])
def test_something_else_is_told(body: bytes) -> None:
    """Another server at that address is called what it is."""
    with answering(body) as client, pytest.raises(EngineError, match=r"what is at .* is no Toxiproxy"):
        client.version()
