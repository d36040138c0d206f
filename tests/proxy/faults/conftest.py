"""A real PostgreSQL server behind a real engine; each test has its own database and proxy."""

from __future__ import annotations

import importlib.util
import itertools
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest

from pytest_resilience.services.engine import EngineAddress, EngineClient, start_engine
from pytest_resilience.services.postgres import PostgresAddress, start_postgres
from pytest_resilience.services.process import ChildProcess
from pytest_resilience.services.run_folder import RunFolder

HANG_GUARD = 30.0
"""Seconds after which something that should have happened is taken to be never going to."""


def _beside(name: str) -> Any:
    """Load a module that lies in this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


raw_client = _beside("raw_client")
website_server = _beside("website")
recorder = _beside("recorder")
_names = (f"test_{number}" for number in itertools.count(1))


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Return what the condition gives as soon as that is true."""
    end = time.monotonic() + HANG_GUARD
    pause = threading.Event()
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come about within {HANG_GUARD:g} s")
        pause.wait(0.005)
    return found


@dataclass
class Watched:
    """A proxy under watch, and its API."""

    client: EngineClient
    name: str
    port: int

    def fault(self, kind: str, when: dict[str, Any], *, times: int | None = 1, **attributes: Any) -> str:
        """Arm a fault and return its id."""
        document = {"kind": kind, "attributes": attributes, "when": when, "times": times}
        return str(self.client.call("POST", f"{self.path}/faults", document)["id"])

    def heal(self, fault: str) -> dict[str, Any]:
        """Heal a fault."""
        return dict(self.client.call("DELETE", f"{self.path}/faults/{fault}"))

    def state(self, fault: str) -> dict[str, Any]:
        """Read a fault back."""
        return dict(self.client.call("GET", f"{self.path}/faults/{fault}"))

    @property
    def path(self) -> str:
        """Where the API has this proxy."""
        return f"/resilience/proxies/{quote(self.name)}"

    @property
    def receipts(self) -> list[dict[str, Any]]:
        """The receipts of this proxy."""
        return list(self.client.call("GET", f"/resilience/receipts?proxy={self.name}")["receipts"])

    @property
    def trace(self) -> list[dict[str, Any]]:
        """The messages of this proxy."""
        return list(self.client.call("GET", f"{self.path}/trace")["trace"])

    @property
    def messages(self) -> list[str]:
        """The messages of this proxy, without notices, as text."""
        return [
            f"{'>' if entry['direction'] == 'request' else '<'} {entry['message']}"
            for entry in self.trace
            if entry["direction"] != "-"
        ]

    def wait_until(self, condition: Callable[[], Any], what: str) -> Any:
        """Return what the condition gives as soon as that is true."""
        return wait_for(condition, what)

    def wait_until_fired(self, fault: str) -> None:
        """Wait until a fault has struck."""
        wait_for(lambda: self.state(fault)["fired"], f"a stroke of {fault}")

    def hold(self, hold: dict[str, Any]) -> dict[str, Any]:
        """Read a hold back."""
        return dict(self.client.call("GET", f"/resilience/holds/{hold['id']}"))

    def held(self) -> dict[str, Any]:
        """Wait until a message is held, and return its hold."""
        return dict(wait_for(self._holds, "a held message")[0])

    def decide(self, hold: dict[str, Any], decision: str) -> dict[str, Any]:
        """Decide on a held message."""
        return dict(self.client.call("POST", f"/resilience/holds/{hold['id']}", {"decision": decision}))

    def _holds(self) -> list[dict[str, Any]]:
        holds = self.client.call("GET", "/resilience/holds")["holds"]
        return [hold for hold in holds if hold["proxy"] == self.name]


@dataclass
class Warehouse(Watched):
    """A PostgreSQL database behind a watched proxy."""

    server: PostgresAddress = field(repr=False)
    database: str

    @property
    def dsn(self) -> str:
        """The address through the proxy."""
        return self.url("postgresql")

    def url(self, scheme: str) -> str:
        """Return the address through the proxy with another scheme."""
        login = f"{quote(self.server.user)}:{quote(self.server.password)}"
        return f"{scheme}://{login}@127.0.0.1:{self.port}/{self.database}"

    def raw(self, *, segment: int | None = None, before: bytes = b"", **parameters: str) -> Any:
        """Log in as a client that says exactly what it is told."""
        login = {"user": self.server.user, "database": self.database} | parameters
        return raw_client.RawClient(self.port, login, self.server.password, segment=segment, before=before)

    def connect(self, **options: Any) -> Any:
        """Open a psycopg2 connection through the proxy; `with closing` closes it."""
        return closing(psycopg2.connect(self.dsn, **options))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Query around the proxy."""
        with self.server.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall()) if cursor.description else []

    @property
    def rows(self) -> list[int]:
        """What table `t` holds, seen around the proxy."""
        return [row[0] for row in self.ask("select id from t order by id")]

    def backends(self) -> list[tuple[Any, ...]]:
        """The sessions of this database that the server knows, but for the one that asks."""
        return self.ask(
            "select pid, state, query from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

    def settle(self) -> None:
        """Wait until the server has no session, and so no lock and no transaction, of this database."""
        wait_for(lambda: not self.backends(), "the end of all sessions")


@dataclass
class Site(Watched):
    """An HTTP server behind a watched proxy."""

    server: Any = field(repr=False)
    scheme: str = "http"

    def url(self, path: str) -> str:
        """Return the address of a page through the proxy."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    @property
    def posted(self) -> list[bytes]:
        """What the server was posted."""
        return list(self.server.posted)

    def say(self, *pieces: bytes, await_first: bytes | None = None) -> bytes:
        """Send bytes over a plain socket; return all that comes back.

        Args:
            pieces: what to send.
            await_first: what must have come back before the second piece is sent.
        """
        received = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=HANG_GUARD) as sock:
            for index, piece in enumerate(pieces):
                while index and await_first is not None and await_first not in received:
                    received += sock.recv(65536)
                sock.sendall(piece)
            while data := sock.recv(65536):
                received += data
        return received


@pytest.fixture(scope="session")
def run() -> Iterator[RunFolder]:
    """Where the services of these tests live."""
    folder = RunFolder.make()
    yield folder
    folder.end()


@pytest.fixture(scope="session")
def recorder_module() -> Any:
    """The relay that records, and the link that replays."""
    return recorder


@pytest.fixture(scope="session")
def server(run: RunFolder) -> PostgresAddress:
    """A real PostgreSQL server on a Unix socket."""
    return start_postgres(run)[1]


@pytest.fixture(scope="session")
def engine_process(run: RunFolder) -> tuple[ChildProcess, EngineAddress]:
    """The engine as a process, under its guardian."""
    return start_engine(run, "engine", seed=0)


@pytest.fixture(scope="session")
def engine(engine_process: tuple[ChildProcess, EngineAddress]) -> EngineClient:
    """A client of the engine."""
    return EngineClient(engine_process[1].host, engine_process[1].port)


@pytest.fixture(scope="session")
def engine_folder(engine_process: tuple[ChildProcess, EngineAddress]) -> Path:
    """What the kernel tells of the engine's process (proc(5)), which is its guardian's child."""
    guardian = engine_process[0].pid
    children = Path(f"/proc/{guardian}/task/{guardian}/children").read_text("ascii")
    return Path(f"/proc/{children.split()[0]}")


@pytest.fixture(scope="session")
def engine_memory(engine_folder: Path) -> Callable[[], int]:
    """A function that returns the most memory that the engine has used, in KiB."""
    status = engine_folder / "status"
    return lambda: int(status.read_text("ascii").partition("VmHWM:")[2].split()[0])


@contextmanager
def watched(engine: EngineClient, upstream: str, **configuration: Any) -> Iterator[tuple[str, int]]:
    """Make a proxy, put it under watch, and remove it."""
    name = next(_names)
    address = engine.create_proxy(name, upstream)
    try:
        engine.call("PUT", f"/resilience/proxies/{name}", configuration)
        yield name, int(address.rpartition(":")[2])
    finally:
        engine.delete_proxy(name)


@pytest.fixture
def warehouse(server: PostgresAddress, engine: EngineClient) -> Iterator[Warehouse]:
    """A table `t` behind a watched proxy; the test must leave no session, and so no lock and no transaction."""
    with watched(engine, server.upstream, protocol="postgres") as (name, port):
        made = Warehouse(engine, name, port, server=server, database="postgres")
        made.ask("drop table if exists t; create table t (id int primary key, word text)")
        yield made
        made.settle()


@pytest.fixture
def website(engine: EngineClient) -> Iterator[Site]:
    """A small website behind a watched proxy."""
    with (
        closing_server(website_server.Website()) as server,
        watched(engine, f"127.0.0.1:{server.server_port}", protocol="http") as (name, port),
    ):
        yield Site(engine, name, port, server=server)


class Echo(socketserver.BaseRequestHandler):
    """Say again what is said."""

    def handle(self) -> None:
        """Until there is no more."""
        with suppress(ConnectionError):
            while data := self.request.recv(1000):
                self.request.sendall(data)


@pytest.fixture
def line(engine: EngineClient) -> Iterator[Watched]:
    """An echo behind a watched proxy that knows nothing of its protocol."""
    with (
        closing_server(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)) as server,
        watched(engine, f"127.0.0.1:{server.server_address[1]}", protocol="tcp") as (name, port),
    ):
        yield Watched(engine, name, port)


@contextmanager
def closing_server(server: Any) -> Iterator[Any]:
    """Serve in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
