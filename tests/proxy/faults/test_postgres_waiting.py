"""Messages that wait: delayed, hung, or held until the controller has decided."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import psycopg2
import pytest

from pytest_resilience.services.toxiproxy_client import EngineError


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    """Somewhere to wait for what does not come at once."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def commit_one(warehouse: Any, number: int = 1) -> None:
    """Insert and commit one row."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (%s)", [number])
        connection.commit()


@pytest.mark.parametrize("side", ["request", "reply"])
def test_delay_comes_before_what_is_delayed(warehouse, side):
    """A delayed COMMIT takes at least as long as the delay, and then it works."""
    fault = warehouse.fault("delay", {"message": "COMMIT", "side": side}, by=0.2)
    commit_one(warehouse)
    struck = warehouse.receipts[0]["at"]
    answered = max(entry["at"] for entry in warehouse.trace if entry["message"] == "Terminate")

    assert answered - struck >= 0.2
    assert warehouse.state(fault)["state"] == "spent"
    assert warehouse.rows == [1]


def test_healing_ends_a_delay(warehouse, background):
    """A delay that is healed is over at once."""
    fault = warehouse.fault("delay", {"message": "COMMIT"}, by=3600)
    done = background.submit(commit_one, warehouse)
    warehouse.wait_until_fired(fault)
    state = warehouse.state(fault)["state"]
    warehouse.heal(fault)
    done.result(30)

    assert state == "acting"
    assert warehouse.state(fault)["state"] == "healed"
    assert warehouse.rows == [1]


@pytest.mark.parametrize(("side", "seen"), [("request", []), ("reply", [1])])
def test_hang_stops_both_ways(warehouse, background, side, seen):
    """A hung COMMIT has no answer; the server acted exactly if the answer hangs; healing with `keep` delivers."""
    fault = warehouse.fault("hang", {"message": "COMMIT", "side": side}, keep=True)
    done = background.submit(commit_one, warehouse)
    warehouse.wait_until_fired(fault)
    rows = warehouse.rows
    is_done = done.done()
    warehouse.heal(fault)
    done.result(30)

    assert not is_done
    assert rows == seen
    assert warehouse.rows == [1]


def test_client_of_a_hung_connection_leaves_nothing_behind(warehouse):
    """A client that gives up closes, the server hears of it, and the transaction's locks are gone."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        cursor.execute("lock table t in access exclusive mode")
        fault = warehouse.fault("hang", {"message": "COMMIT"})
        threading.Timer(0.1, _shut, [connection.fileno()]).start()
        with pytest.raises(psycopg2.OperationalError):
            connection.commit()

    warehouse.settle()
    assert warehouse.state(fault)["fired"] == 1
    assert warehouse.rows == []


def _shut(descriptor: int) -> None:
    """Let a blocked client give up, as its own time-out would."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as sock:
        sock.shutdown(socket.SHUT_RDWR)


def test_hang_with_a_timeout_of_the_client(warehouse):
    """Asyncpg's own time-out ends a hung statement, and the next connection works."""

    async def insert() -> None:
        connection = await asyncpg.connect(warehouse.dsn)
        try:
            await asyncio.wait_for(connection.execute("insert into t values (1)", timeout=None), 0.2)
        finally:
            connection.terminate()

    warehouse.fault("hang", {"message": "INSERT"})
    with pytest.raises(TimeoutError):
        asyncio.run(insert())
    commit_one(warehouse, 2)

    assert warehouse.rows == [2]


def test_healed_hang_without_keep_has_lost_the_message(warehouse):
    """What was said while it hung is dropped; a message that ends after the healing passes whole."""
    first, second, later = (
        b"Q\x00\x00\x00\x1dinsert into t values (%d)\x00" % number for number in (1, 2, 3)
    )
    with warehouse.raw() as client:
        fault = warehouse.fault("hang", {"sql": "values .1"})
        client.send(first + second + later[:15])
        warehouse.wait_until_fired(fault)
        warehouse.heal(fault)
        client.send(later[15:])
        answer = [kind for kind, _ in client.read_until(b"Z")]

    assert answer == [b"C", b"Z"]
    assert warehouse.rows == [3]


@pytest.mark.parametrize(
    ("decision", "side", "rows"),
    [
        ("deliver", "request", [1]),
        ("deliver", "reply", [1]),
        ("cut", "request", []),
        ("cut", "reply", [1]),
        ("reset", "request", []),
        ("reset", "reply", [1]),
    ],
)
def test_controller_decides(warehouse, background, decision, side, rows):
    """A held COMMIT is delivered, or the connection is ended, as the controller says."""
    warehouse.fault("hold", {"message": "COMMIT", "side": side})
    done = background.submit(commit_one, warehouse)
    hold = warehouse.held()
    decided = warehouse.decide(hold, decision)
    again = warehouse.decide(hold, decision)
    failure = done.exception(30)

    assert (decided["decision"], again["decision"]) == (decision, decision)
    assert (failure is None) is (decision == "deliver")
    assert warehouse.rows == rows
    assert warehouse.receipts[0]["decision"] == decision


def test_dropped_message_never_arrives(warehouse):
    """A dropped statement is as if never said; the next one is answered."""
    with warehouse.raw() as client:
        warehouse.fault("hold", {"message": "INSERT"})
        client.send_query("insert into t values (1)")
        warehouse.decide(warehouse.held(), "drop")
        answer = [kind for kind, _ in client.query("insert into t values (2)")]

    assert answer == [b"C", b"Z"]
    assert warehouse.rows == [2]


def test_other_decision_is_a_conflict(warehouse, background):
    """What has been decided is not decided again otherwise."""
    warehouse.fault("hold", {"message": "COMMIT"})
    done = background.submit(commit_one, warehouse)
    hold = warehouse.held()
    warehouse.decide(hold, "deliver")
    with pytest.raises(EngineError, match="409"):
        warehouse.decide(hold, "drop")
    with pytest.raises(EngineError, match="409"):
        warehouse.client.call("POST", f"/resilience/holds/{hold['id']}", {"lease": 5})
    done.result(30)


def test_lease_runs_out(warehouse):
    """A controller that says nothing does not block the client for ever."""
    warehouse.fault("hold", {"message": "COMMIT"}, lease=0.05)
    commit_one(warehouse)

    assert warehouse.rows == [1]
    assert warehouse.receipts[0]["decision"] == "expired"


def test_lease_is_renewed(warehouse, background):
    """A controller that is still thinking says so."""
    warehouse.fault("hold", {"message": "COMMIT"}, lease=3600)
    done = background.submit(commit_one, warehouse)
    hold = warehouse.held()
    renewed = warehouse.client.call("POST", f"/resilience/holds/{hold['id']}", {"lease": 0.05})
    done.result(30)

    assert renewed["expires_at"] < hold["expires_at"]
    assert warehouse.receipts[0]["decision"] == "expired"


def test_healing_delivers_what_is_held(warehouse, background):
    """A healed hold is delivered, and says why."""
    fault = warehouse.fault("hold", {"message": "COMMIT"})
    done = background.submit(commit_one, warehouse)
    warehouse.held()
    warehouse.heal(fault)
    warehouse.heal(fault)
    done.result(30)

    assert warehouse.rows == [1]
    assert warehouse.receipts[0]["decision"] == "healed"


KILLED = """
import psycopg2, sys
connection = psycopg2.connect(sys.argv[1])
connection.cursor().execute("insert into t values (1)")
connection.commit()
"""


@pytest.mark.parametrize(
    ("side", "decision", "rows"),
    [
        ("request", "drop", []),
        ("request", "deliver", [1]),
        ("reply", "drop", [1]),
        ("reply", "deliver", [1]),
    ],
)
def test_client_is_killed_while_its_message_is_held(warehouse, side, decision, rows):
    """Held, killed, then delivered or dropped: the commit happens exactly if it was delivered or had been answered."""
    fault = warehouse.fault("hold", {"message": "COMMIT", "side": side})
    process = subprocess.Popen([sys.executable, "-c", KILLED, warehouse.dsn])
    hold = warehouse.held()
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    warehouse.wait_until(lambda: warehouse.hold(hold)["client_gone"], "the end of the client")
    rows_before = warehouse.rows
    warehouse.decide(hold, decision)
    warehouse.settle()

    assert rows_before == ([1] if side == "reply" else [])
    assert warehouse.rows == rows
    assert warehouse.state(fault)["fired"] == 1


def test_disabled_proxy_ends_what_waits(warehouse, background):
    """A proxy that goes down ends held connections too, and the hold says that it is gone."""
    warehouse.fault("hold", {"message": "COMMIT"})
    done = background.submit(commit_one, warehouse)
    hold = warehouse.held()
    warehouse.client.set_enabled(warehouse.name, enabled=False)
    failure = done.exception(30)

    assert isinstance(failure, psycopg2.OperationalError)
    assert warehouse.hold(hold)["decision"] == "gone"
    assert warehouse.rows == []


def test_two_faults_at_one_message(warehouse):
    """A delay and a cut at the same message: first the one that was added first."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        delay = warehouse.fault("delay", {"message": "COMMIT"}, by=0.05)
        cut = warehouse.fault("cut", {"message": "COMMIT"})
        cursor.execute("insert into t values (1)")
        with pytest.raises(psycopg2.OperationalError):
            connection.commit()

    assert [warehouse.state(fault)["fired"] for fault in (delay, cut)] == [1, 1]
    assert warehouse.rows == []
