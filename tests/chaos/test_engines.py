"""Each network fault has its effect and is healed, whichever engine carries it: ours or a real Toxiproxy."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy_choice import toxiproxy_source

ROOT = Path(__file__).parents[2]
HIT_BY_SEED_1 = [False, True, False, True, True, False, True, False]
HANG_GUARD = 60.0
"""Seconds after which something that should have happened is taken to be never going to."""


@pytest.fixture(scope="module", params=["embedded", "binary"])
def pool(request: pytest.FixtureRequest) -> Iterator[ServicePool]:
    """The services of a run with one engine after the other."""
    try:
        source = toxiproxy_source(request.param, ROOT)
    except HarnessError as missing:
        pytest.skip(str(missing))
    run = RunFolder.make()
    pool = ServicePool(run, seed=1, toxiproxy=source)
    yield pool
    pool.stop()


@pytest.fixture
def sandbox(pool: ServicePool, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """What one test has to itself."""
    sandbox = Sandbox(pool, request.node.name)
    yield sandbox
    sandbox.close()


@pytest.fixture
def postgres(sandbox: Sandbox) -> PostgresHandle:
    """A new database behind the engine."""
    return sandbox.postgres()


@pytest.fixture
def connect(postgres: PostgresHandle) -> Iterator[Callable[[], Any]]:
    """Open connections through the engine that end with the test."""
    opened = []

    def connect() -> Any:
        opened.append(psycopg2.connect(postgres.dsn))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def ask(connection: Any, query: str = "select 1") -> Any:
    """Return the one value that a query gives."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def seconds_of(work: Callable[[], Any]) -> float:
    """Return how long something takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + HANG_GUARD
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it never came about"
        pause.wait(0.01)


def send(connection: Any, query: str) -> None:
    """Send a query (protocol documentation, message Query) without waiting for the answer."""
    text = query.encode() + b"\0"
    with socket.socket(fileno=os.dup(connection.fileno())) as raw:
        raw.sendall(b"Q" + struct.pack("!I", len(text) + 4) + text)


def die(connection: Any) -> None:
    """End a client as a crash does: its kernel resets the connection."""
    with socket.socket(fileno=os.dup(connection.fileno())) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def answers_are_on_their_way(postgres: PostgresHandle) -> bool:
    """Tell whether the server has written whatever it was asked for, or waits to write more."""
    with closing(psycopg2.connect(postgres.direct_dsn)) as connection:
        busy = "state = 'active' and wait_event is distinct from 'ClientWrite' and pid <> pg_backend_pid()"
        query = f"select count(*) from pg_stat_activity where datname = current_database() and {busy}"  # noqa: S608
        return ask(connection, query) == 0


def ended_in_front(sandbox: Sandbox) -> int:
    """Return how many connections our engine has seen the end of."""
    trace = sandbox.engine().call("GET", "/resilience/proxies/postgres/trace")["trace"]
    return sum(entry["direction"] == "-" and entry["message"].startswith("closed") for entry in trace)


def toxics_of(sandbox: Sandbox) -> list[Any]:
    """Return the toxics of all proxies that the engines have."""
    carriers = [sandbox.engine(), *filter(None, [sandbox.toxiproxy()])]
    return [toxic for carrier in carriers for toxic in carrier.toxics("postgres")]


def assert_whole(sandbox: Sandbox, connect: Callable[[], Any]) -> None:
    """See that no toxic is left and that a new connection works."""
    assert toxics_of(sandbox) == []
    assert ask(connect(), "select repeat('x', 3000)") == "x" * 3000


def test_down(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """New connections are refused by the kernel and live ones end, whatever stands behind the first proxy."""
    lost = connect()
    with postgres.down() as fault:
        with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
            connect()
        with pytest.raises(psycopg2.OperationalError):
            ask(lost)

    assert [receipt.kind for receipt in fault.receipts] == ["down"]
    assert_whole(sandbox, connect)


def test_down_twice(postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """Two outages that overlap end with the later one."""
    with postgres.down() as outer:
        with postgres.down():
            pass
        with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
            connect()

        assert outer.fired


@pytest.mark.parametrize("stream", ["downstream", "upstream"])
def test_latency(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any], stream: Any) -> None:
    """A round trip takes at least that longer."""
    connection = connect()
    with postgres.latency(0.2, jitter=0.05, stream=stream):
        took = seconds_of(lambda: ask(connection))

    assert took >= 0.15
    assert ask(connection) == 1
    assert_whole(sandbox, connect)


@pytest.mark.parametrize(
    ("rate", "size", "least"), [(10_000, 4_000, 0.39), (500, 200, 0.39), (1_500, 600, 0.39)]
)
def test_bandwidth(
    sandbox: Sandbox,
    postgres: PostgresHandle,
    connect: Callable[[], Any],
    *,
    rate: int,
    size: int,
    least: float,
) -> None:
    """So many bytes take their time, also at rates that are no whole kilobytes."""
    connection = connect()
    with postgres.bandwidth(rate):
        took = seconds_of(lambda: ask(connection, f"select repeat('x', {size})"))

    assert took >= least
    assert_whole(sandbox, connect)


def test_bandwidth_of_nothing(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """At no byte a second the reply is held, and comes when the fault heals, also beside a client that died."""
    dead, waiting = connect(), connect()
    with ThreadPoolExecutor() as executor:
        with postgres.bandwidth(0) as fault:
            reply = executor.submit(ask, waiting)
            wait_for(lambda: fault.fired)
            die(dead)

        assert reply.result(HANG_GUARD) == 1
    assert sandbox.replacements == []
    assert_whole(sandbox, connect)


def test_slow_close(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """The client hears of the server's close that much later."""
    connection = connect()
    with postgres.slow_close(0.3):

        def be_ended() -> None:
            with pytest.raises(psycopg2.OperationalError):
                ask(connection, "select pg_terminate_backend(pg_backend_pid())")

        took = seconds_of(be_ended)

    assert took >= 0.3
    assert_whole(sandbox, connect)


def test_timeout(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """Nothing passes, and after the silence the connection ends."""
    connection = connect()
    with postgres.timeout(0.2), pytest.raises(psycopg2.OperationalError):
        ask(connection)

    assert_whole(sandbox, connect)


def test_timeout_without_end(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """Nothing passes until the fault heals, which ends the connection: its stream has a hole."""
    connection = connect()
    with ThreadPoolExecutor() as executor:
        with postgres.timeout() as fault:
            asked = executor.submit(ask, connection)
            wait_for(lambda: fault.fired)

        with pytest.raises(psycopg2.OperationalError):
            asked.result(HANG_GUARD)
    assert_whole(sandbox, connect)


def test_reset_peer(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """A connection that lives and is idle gets a real RST, and a new one too."""
    idle = connect()
    with postgres.reset_peer():
        with closing(socket.socket(fileno=idle.fileno())) as raw:
            select.select([raw], [], [], HANG_GUARD)
            with pytest.raises(ConnectionResetError):
                raw.recv(1)
            raw.detach()
        with pytest.raises(psycopg2.OperationalError):
            connect()

    assert_whole(sandbox, connect)


def test_slicer(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """Data comes in pieces with pauses between them, and all of it."""
    connection = connect()
    with postgres.slicer(64, delay="20ms"):
        took = seconds_of(lambda: ask(connection, "select repeat('x', 640)"))

    assert took >= 0.15
    assert_whole(sandbox, connect)


def test_limit_data(sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """After so many bytes the connection ends."""
    connection = connect()
    with postgres.limit_data(500), pytest.raises(psycopg2.OperationalError):
        ask(connection, "select repeat('x', 3000)")

    assert_whole(sandbox, connect)


def test_toxicity_follows_from_the_seed(postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """The same connections are hit with every engine: those that the seed says."""
    with postgres.timeout(0.01, toxicity=0.5) as fault:
        outcomes = []
        for _ in range(8):
            try:
                ask(connect())
                outcomes.append(True)
            except psycopg2.OperationalError:
                outcomes.append(False)

    assert outcomes == HIT_BY_SEED_1
    assert [r.connection for r in fault.receipts] == [n for n, ok in enumerate(outcomes, 1) if not ok]


def test_toxicity_of_nothing_is_inert(postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """A fault that acts on no connection changes nothing and did not fire, also when it heals."""
    connection = connect()
    with postgres.timeout(toxicity=0, must_fire=False) as fault:
        asked = ask(connection)

    assert (asked, ask(connection), fault.fired) == (1, 1, False)


def test_nonsense_never_reaches_toxiproxy(sandbox: Sandbox, postgres: PostgresHandle) -> None:
    """What would crash a real Toxiproxy is refused, in the same words with every engine."""
    with (
        pytest.raises(ValueError, match="variation is 20: it is at most size, which is 10"),
        postgres.slicer(10, variation=20),
    ):
        pass
    with pytest.raises(ValueError, match="size is 0: pieces have a length"), postgres.slicer(0):
        pass

    assert sandbox.replacements == []


def test_faults_at_messages_stand_in_front(
    sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any]
) -> None:
    """COMMIT's reply is lost in our engine while the network fault is carried behind it."""
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute("create table t (n int)")
        connection.commit()
        cursor.execute("insert into t values (1)")
        with (
            postgres.latency(0.05, stream="upstream") as slow,
            postgres.at("COMMIT", side="reply").cut() as cut,
            pytest.raises(psycopg2.OperationalError),
        ):
            connection.commit()

    assert [receipt.message for receipt in cut.receipts] == ["COMMIT"]
    assert slow.fired
    assert ask(connect(), "select count(*) from t") == 1


def test_receipts_name_the_connection(postgres: PostgresHandle, connect: Callable[[], Any]) -> None:
    """A network fault tells which connection of the test it met first, and when."""
    connect()
    second = connect()
    with postgres.latency(0.01) as fault:
        ask(second)
    (receipt, *_) = fault.receipts

    assert (receipt.service, receipt.kind, receipt.connection) == ("postgres", "latency", 2)
    assert receipt.at > 0


def test_engine_that_hangs_is_replaced(
    sandbox: Sandbox, postgres: PostgresHandle, connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that die behind a latency make Toxiproxy 2.12 hang; the fault heals all the same, at the same port."""
    real = sandbox.toxiproxy()
    if real is not None:
        monkeypatch.setattr(real, "_timeout", 2.0)
    doomed = [connect() for _ in range(3)]
    with postgres.latency(5) as fault:
        for connection in doomed:
            send(connection, "select repeat('x', 1000000)")
        wait_for(lambda: answers_are_on_their_way(postgres))
        for connection in doomed:
            die(connection)
        wait_for(lambda: ended_in_front(sandbox) == len(doomed))

    assert fault.fired
    assert ["gave no answer to DELETE" in reason for reason in sandbox.replacements] == [True] * (
        real is not None
    )
    assert_whole(sandbox, connect)
    with postgres.latency(0.2):
        assert seconds_of(lambda: ask(connect())) >= 0.2
