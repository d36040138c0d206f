"""The engines that conform: ours, ours with `--compat`, and the real Toxiproxy where it is installed."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

ROOT = Path(__file__).parents[2]
HANG = 30.0
"""Seconds after which something hangs; nothing here takes so long."""
NO_BINARY = "no toxiproxy-server on PATH or in .tools/bin; `make toxiproxy` installs it (it needs Go)"
ENGINES = {
    "ours": [sys.executable, "-m", "pytest_resilience.proxy"],
    "ours-compat": [sys.executable, "-m", "pytest_resilience.proxy", "-compat"],
    "toxiproxy": [],
}


@dataclass(frozen=True)
class Reply:
    """A reply of the API, or of something that is no API call."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a value."""
        return json.loads(self.body)


@dataclass
class Engine:
    """A running engine."""

    name: str
    port: int
    process: subprocess.Popen[Any]

    def call(self, method: str, path: str, body: object = None, timeout: float = HANG) -> Reply:
        """Ask the API; a body that is neither text nor bytes is sent as JSON."""
        if body is not None and not isinstance(body, str | bytes):
            body = json.dumps(body)
        data = body.encode() if isinstance(body, str) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, data)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def open(self) -> socket.socket:
        """Connect to the API."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=HANG)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def raw(self, data: bytes) -> bytes:
        """Send bytes that make the server close; return everything that comes back."""
        with self.open() as sock:
            sock.sendall(data)
            return read_all(sock)

    def proxy(self, upstream: str, name: str = "p", **more: object) -> tuple[str, int]:
        """Create a proxy on a free port; return where it listens."""
        reply = self.call(
            "POST", "/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": upstream, **more}
        )
        assert reply.status == 201, reply.body
        host, _, port = reply.json["listen"].rpartition(":")
        return host, int(port)

    def toxic(
        self,
        kind: str,
        stream: str = "downstream",
        *,
        toxicity: float = 1.0,
        name: str = "",
        **attributes: int,
    ) -> Reply:
        """Add a toxic to the proxy `p`."""
        body = {"type": kind, "stream": stream, "attributes": attributes, "toxicity": toxicity, "name": name}
        reply = self.call("POST", "/proxies/p/toxics", body)
        assert reply.status == 200, reply.body
        return reply


def read_all(sock: socket.socket) -> bytes:
    """Read to the end."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def find_toxiproxy() -> str | None:
    """Find the real server."""
    local = ROOT / ".tools" / "bin" / "toxiproxy-server"
    return shutil.which("toxiproxy-server") or (str(local) if local.exists() else None)


@contextlib.contextmanager
def running(name: str, *arguments: str) -> Iterator[Engine]:
    """Run an engine with more arguments."""
    if name == "toxiproxy":
        binary = find_toxiproxy()
        if binary is None:
            pytest.skip(NO_BINARY)
        engine = _start_toxiproxy(binary, arguments)
    else:
        engine = _start_ours(name, arguments)
    try:
        yield engine
    finally:
        engine.process.kill()
        engine.process.wait(HANG)
        if engine.process.stdout is not None:
            engine.process.stdout.close()


def _start_ours(name: str, arguments: tuple[str, ...]) -> Engine:
    process = subprocess.Popen(
        [*ENGINES[name], "-port", "0", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("listening "):
        process.stdout.close()
        raise AssertionError(f"no engine: it ended with {process.wait(HANG)} instead of listening")
    return Engine(name, int(line.rpartition(":")[2]), process)


def _start_toxiproxy(binary: str, arguments: tuple[str, ...]) -> Engine:
    """Start it on a port that was free a moment ago, until one is got: it cannot choose one itself."""
    for _ in range(10):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        process = subprocess.Popen([binary, "-port", str(port), *arguments], stdout=subprocess.PIPE)
        engine = Engine("toxiproxy", port, process)
        if _serves(engine):
            return engine
        process.kill()
        process.wait(HANG)
    raise AssertionError("Toxiproxy got no port")


def _serves(engine: Engine) -> bool:
    """Ask for its version until it answers; read its log all the while, else it stops at a full pipe."""
    threading.Thread(target=deque, args=(engine.process.stdout, 0), daemon=True).start()
    for _ in range(200):
        try:
            return engine.call("GET", "/version").status == 200
        except ConnectionRefusedError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                engine.process.wait(0.05)
                return False
    return False


class Servers:
    """Small servers for proxies to lead to, each on a thread, all ended with the test."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.accepted: list[socket.socket] = []

    def serve(self, talk: Callable[[socket.socket], None]) -> str:
        """Let every connection be handled by `talk`; return the address."""
        listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))

        def run(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                talk(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.accepted.append(connection)
                    threading.Thread(target=run, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        self._stack.callback(self._end, listener)
        return f"127.0.0.1:{listener.getsockname()[1]}"

    def echo(self) -> str:
        """Give back what comes."""
        return self.serve(_echo)

    def count(self) -> str:
        """Read to the end, then say how much it was."""
        return self.serve(lambda connection: connection.sendall(b"%d" % len(read_all(connection))))

    def silent(self) -> str:
        """Accept, and neither read nor write."""
        gate = threading.Event()
        self._stack.callback(gate.set)
        return self.serve(lambda _: gate.wait(HANG) and None)

    def says(self, data: bytes) -> str:
        """Say it, and close."""
        return self.serve(lambda connection: connection.sendall(data))

    def _end(self, listener: socket.socket) -> None:
        for sock in (listener, *self.accepted):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Small servers for proxies to lead to."""
    with contextlib.ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture
def connect() -> Iterator[Callable[[tuple[str, int]], socket.socket]]:
    """Open connections that are closed with the test, and never hang."""
    with contextlib.ExitStack() as stack:

        def open_one(address: tuple[str, int]) -> socket.socket:
            sock = stack.enter_context(socket.create_connection(address, timeout=HANG))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock

        yield open_one


class Pool:
    """Engines that tests borrow one after the other; one that does not let itself be emptied is replaced."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[contextlib.ExitStack, Engine]] = {}

    def borrow(self, name: str) -> Engine:
        """Return an engine without proxies."""
        if name not in self._running:
            stack = contextlib.ExitStack()
            self._running[name] = (stack, stack.enter_context(running(name)))
        return self._running[name][1]

    def give_back(self, engine: Engine) -> None:
        """Delete its proxies, or end it if it hangs, as the real Toxiproxy may."""
        try:
            for name in engine.call("GET", "/proxies", timeout=5).json:
                engine.call("DELETE", f"/proxies/{quote(name, safe='')}", timeout=5)
        except OSError:
            self._running.pop(engine.name)[0].close()

    def close(self) -> None:
        """End all engines."""
        for stack, _ in self._running.values():
            stack.close()


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Engines that tests borrow."""
    engines = Pool()
    yield engines
    engines.close()


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest, pool: Pool) -> Iterator[Engine]:
    """One engine after the other."""
    one = pool.borrow(request.param)
    yield one
    pool.give_back(one)


@pytest.fixture
def ours(pool: Pool) -> Iterator[Engine]:
    """Our engine, strict."""
    one = pool.borrow("ours")
    yield one
    pool.give_back(one)


@pytest.fixture(scope="session")
def start() -> Any:
    """Run an engine by name, with more arguments."""
    return running


@pytest.fixture(scope="session")
def toxiproxy_binary() -> str:
    """The real server, or a skip that says how to get it."""
    binary = find_toxiproxy()
    if binary is None:
        pytest.skip(NO_BINARY)
    return binary
