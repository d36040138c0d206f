"""Messages that are held until the controller has decided, and clients that are killed meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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


def test_what_waits_is_bounded(warehouse, background, engine_memory):
    """A client that goes on sending behind a held message is stopped; when it is delivered all of it arrives."""
    rows = 600
    with warehouse.raw() as client:
        warehouse.fault("hold", {"message": "INSERT"}, lease=3600)
        statement = "insert into t values (NUMBER, 'WORD')".replace("WORD", "x" * 100_000)
        before = engine_memory()
        sending = background.submit(
            lambda: [client.send_query(statement.replace("NUMBER", str(number))) for number in range(rows)]
        )
        hold = warehouse.held()
        receiving = background.submit(lambda: [client.read_until(b"Z") for _ in range(rows)])
        is_stopped = not sending.done()
        grown = engine_memory() - before
        warehouse.decide(hold, "deliver")
        sending.result(60)
        receiving.result(60)

    assert len(warehouse.rows) == rows
    assert is_stopped
    assert grown < 20 * 1024
