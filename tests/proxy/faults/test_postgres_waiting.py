"""Messages that wait: delayed, or hung until the fault is healed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import psycopg2
import pytest


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


def test_hung_answer_is_lost_without_keep(warehouse, background):
    """The answer that hung is dropped at the healing, the server has acted, and the connection goes on."""
    with warehouse.raw() as client:
        fault = warehouse.fault("hang", {"message": "INSERT", "side": "reply"})
        client.send_query("insert into t values (1)")
        warehouse.wait_until_fired(fault)
        warehouse.wait_until(lambda: "< ReadyForQuery" in warehouse.messages[-2:], "the end of the answer")
        warehouse.heal(fault)
        answer = [kind for kind, _ in client.query("select 1")]

    assert answer == [b"T", b"D", b"C", b"Z"]
    assert warehouse.rows == [1]


@pytest.mark.parametrize("side", ["request", "reply"])
@pytest.mark.parametrize(
    ("kind", "attributes"), [("delay", {"by": 3600}), ("hang", {"keep": True}), ("hold", {"lease": 3600})]
)
def test_a_healed_fault_does_not_strike_what_waited_behind_it(warehouse, kind, attributes, side):
    """Of two statements in a pipeline the first waits; healed, a fault without an end lets both pass."""
    fault = warehouse.fault(kind, {"message": "INSERT", "side": side}, times=None, **attributes)
    with warehouse.raw() as client:
        both = [b"insert into t values (1)\0", b"insert into t values (2)\0"]
        client.send(
            b"".join(b"Q" + struct.pack("!I", 4 + len(sql)) + sql for sql in both)
        )  # or a hang keeps one
        warehouse.wait_until_fired(fault)
        if side == "reply":
            warehouse.wait_until(lambda: warehouse.rows == [1, 2], "the second answer")
        warehouse.heal(fault)
        answers = [client.read_until(b"Z"), client.read_until(b"Z")]

    assert [[kind for kind, _ in answer] for answer in answers] == [[b"C", b"Z"]] * 2
    assert warehouse.state(fault)["fired"] == 1
    assert warehouse.rows == [1, 2]
