"""The API for faults at exact messages: what it refuses, reads back, and streams, and that it always answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

import pytest_resilience.proxy.faults
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.proxy.faults.api import FAULT_ROUTES
from pytest_resilience.proxy.faults.definition import _ATTRIBUTES, _TRIGGERS
from pytest_resilience.proxy.faults.kinds import KINDS
from pytest_resilience.proxy.faults.triggers import TRIGGERS
from pytest_resilience.services.toxiproxy_client import EngineError

API = Path(pytest_resilience.proxy.faults.__file__).with_name("API.md").read_text(encoding="utf-8")


def test_everything_is_read_back(warehouse):
    """A fault comes back with every default written out, and its life is told."""
    fault = warehouse.client.call(
        "POST",
        f"{warehouse.path}/faults",
        {"id": "mine", "kind": "error", "when": {"message": "end"}, "attributes": {"sqlstate": "40001"}},
    )

    assert fault == {
        "id": "mine",
        "proxy": warehouse.name,
        "kind": "error",
        "attributes": {
            "sqlstate": "40001",
            "severity": None,
            "message": "error injected by pytest-resilience",
            "detail": None,
        },
        "when": {"message": "COMMIT", "side": "request", "nth": 1},
        "times": 1,
        "state": "armed",
        "seen": 0,
        "fired": 0,
        "added_at": fault["added_at"],
        "rows_seen": None,
    }
    assert warehouse.state("mine") == fault
    assert warehouse.client.call("GET", f"{warehouse.path}/faults") == {"faults": [fault]}


def test_healing_twice_is_the_same(warehouse):
    """A healed fault stays healed, and strikes nothing more."""
    first, second = (warehouse.fault("cut", {"message": "SELECT"}, times=None) for _ in range(2))
    healed = [warehouse.heal(first)["state"] for _ in range(2)]
    all_healed = warehouse.client.call("DELETE", f"{warehouse.path}/faults")
    with psycopg.connect(warehouse.dsn) as connection:
        connection.execute("select 1")

    assert healed == ["healed", "healed"]
    assert [fault["state"] for fault in all_healed["faults"]] == ["healed", "healed"]
    assert warehouse.state(second)["fired"] == 0


def test_engine_and_harness_count_from_one_zero(warehouse):
    """What the engine saw between two looks of ours at the clock lies between them, however slow its answer was."""
    client = warehouse.client
    clock = RunClock.beside(client.started(), scale=20.0)

    before = clock.now()
    seen = clock.of_engine(client.now())
    after = clock.now()

    assert before <= seen <= after


@pytest.mark.parametrize(
    ("document", "status", "words"),
    [
        ({"kind": "cutt", "when": {"message": "COMMIT"}}, 400, "did you mean 'cut'"),
        ({"kind": "cut"}, 400, "when must be an object"),
        ({"kind": "cut", "when": {"message": "COMMIT"}, "tims": 2}, 400, "did you mean 'times'"),
        ({"kind": "cut", "when": {"message": "COMMIT"}, "times": 0}, 400, "times must be at least 1, not 0"),
        ({"kind": "delay", "when": {"message": "COMMIT"}}, 400, "delay needs the attribute 'by'"),
        (
            {"kind": "delay", "when": {"message": "COMMIT"}, "attributes": {"by": "300ms"}},
            400,
            "by must be a number, not '300ms'",
        ),
        (
            {"kind": "delay", "when": {"message": "COMMIT"}, "attributes": {"by": -1}},
            400,
            "at least 0, not -1",
        ),
        (
            {"kind": "error", "when": {"message": "COMMIT"}, "attributes": {"sqlstate": 40001}},
            400,
            "not 40001",
        ),
        (
            {
                "kind": "error",
                "when": {"message": "COMMIT"},
                "attributes": {"sqlstate": "40001", "severity": "LOG"},
            },
            400,
            "severity must be one of ERROR, FATAL, PANIC, not 'LOG'",
        ),
        ({"kind": "respond", "when": {"message": "COMMIT"}}, 400, "respond is for http"),
        ({"kind": "hold", "when": {"message": "COMMIT"}, "attributes": {"lease": 0}}, 400, "above 0, not 0"),
        (
            {"kind": "truncate", "when": {"message": "COMMIT"}, "attributes": {"bytes": 1.5}},
            400,
            "whole number",
        ),
    ],
)
def test_nonsense_is_refused(warehouse, document, status, words):
    """Every mistake is a clear sentence with the value in it."""
    with pytest.raises(EngineError) as caught:
        warehouse.client.call("POST", f"{warehouse.path}/faults", document)

    assert f"status {status}" in str(caught.value)
    assert words in str(caught.value).replace('\\"', '"')


def test_what_is_not_there(warehouse):
    """Unknown proxies, faults and holds are 404; a second fault of the same name, and no protocol, are conflicts."""
    client, cut = warehouse.client, {"id": "one", "kind": "cut", "when": {"message": "COMMIT"}}
    client.call("POST", f"{warehouse.path}/faults", cut)
    client.create_proxy("plain", "127.0.0.1:1")
    asked = [
        ("GET", "/resilience/proxies/nobody", None),
        ("GET", f"{warehouse.path}/faults/nobody", None),
        ("GET", "/resilience/holds/4711", None),
        ("POST", f"{warehouse.path}/faults", cut),
        ("POST", "/resilience/proxies/plain/faults", cut),
        ("PATCH", warehouse.path, {}),
    ]
    statuses = [status_of(client, *request) for request in asked]
    client.delete_proxy("plain")

    assert statuses == [404, 404, 404, 409, 409, 405]


def status_of(client, verb: str, path: str, body: object) -> int:
    """Send a request and return the status."""
    connection = http.client.HTTPConnection(client.host, client.port, timeout=30)
    connection.request(verb, path, None if body is None else json.dumps(body))
    status = connection.getresponse().status
    connection.close()
    return status


def lines_of(client, path: str, count: int) -> list[dict]:
    """Follow a stream until that many objects have come."""
    connection = http.client.HTTPConnection(client.host, client.port, timeout=30)
    connection.request("GET", path)
    reply = connection.getresponse()
    found: list[dict] = []
    while len(found) < count:
        line = reply.readline().strip()
        if line:
            found.append(json.loads(line))
    connection.close()
    return found


def test_receipts_are_streamed(warehouse):
    """A follower gets what is there, then each receipt as it is written, of its proxy only."""
    first = warehouse.fault("delay", {"message": "SELECT"}, times=None, by=0)
    path = f"/resilience/receipts?stream=1&proxy={warehouse.name}"
    with psycopg.connect(warehouse.dsn) as connection, ThreadPoolExecutor() as pool:
        connection.execute("select 1")
        following = pool.submit(lines_of, warehouse.client, path, 3)
        warehouse.wait_until(lambda: warehouse.state(first)["fired"] == 1, "the first receipt")
        connection.execute("select 2")
        connection.execute("select 3")
        received = following.result(30)

    assert received == warehouse.receipts
    assert [receipt["nth"] for receipt in received] == [1, 2, 3]


def test_trace_is_streamed(warehouse):
    """A follower of the trace sees messages as they pass."""
    with ThreadPoolExecutor() as pool:
        following = pool.submit(lines_of, warehouse.client, f"{warehouse.path}/trace?stream=1", 20)
        with psycopg.connect(warehouse.dsn) as connection:
            connection.execute("select 1")
        received = following.result(30)

    assert received == warehouse.trace[:20]
    assert [entry["id"] for entry in received] == list(range(1, 21))


def test_since(warehouse):
    """What was read is not read again."""
    warehouse.fault("delay", {"message": "SELECT"}, times=None, by=0)
    with psycopg.connect(warehouse.dsn) as connection:
        connection.execute("select 1")
        seen = warehouse.client.call("GET", "/resilience/receipts")["next"]
        trace = warehouse.client.call("GET", f"{warehouse.path}/trace")
        connection.execute("select 2")
    later = warehouse.client.call("GET", f"/resilience/receipts?since={seen}")
    rest = warehouse.client.call("GET", f"{warehouse.path}/trace?since={trace['next']}")

    assert [receipt["nth"] for receipt in later["receipts"]] == [2]
    assert rest["trace"][0]["id"] == trace["next"] + 1
    assert rest["lost"] == 0


def test_trace_is_bounded_and_says_what_it_lost(warehouse):
    """The trace keeps the last messages, and tells how many are gone."""
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection, connection.pipeline():
        for _ in range(3000):
            connection.execute("select 1", prepare=True)
    trace = warehouse.client.call("GET", f"{warehouse.path}/trace")

    assert len(trace["trace"]) == 10_000
    assert trace["lost"] == trace["next"] - 10_000
    assert trace["lost"] > 0


def test_no_data_leaves_the_engine(warehouse):
    """Neither literals, nor parameters, nor rows, nor names of users are in the trace or in receipts."""
    secret, number = "Jane Doe Q-canary", 987654321  # short numbers are in ports and times, too
    warehouse.fault("delay", {"sql": "insert"}, times=None, by=0)
    statements = [
        "insert into t values (NUMBER, 'SECRET') -- SECRET",
        "insert into t values (1, E'SECRET\\'s') /* SECRET */",
        "insert into t values (2, $tag$SECRET$tag$)",
        "insert into t values (3, U&'SECRET')",
        "select 'SECRET",
        "select * from t",
    ]
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        connection.execute("insert into t values (%s, %s)", [number + 1, secret])
        for statement in statements:
            with contextlib.suppress(psycopg.errors.SyntaxError):
                connection.execute(statement.replace("SECRET", secret).replace("NUMBER", str(number)))
        with connection.cursor().copy("copy t from stdin") as copy:
            copy.write_row((number + 2, secret))
    told = json.dumps(warehouse.trace) + json.dumps(warehouse.receipts)
    shapes = {entry["shape"] for entry in warehouse.trace if entry["message"] in {"Query", "Parse"}}

    assert len(warehouse.receipts) == 5
    assert "insert into t values (?, ...)" in shapes
    assert not [
        piece for piece in (secret, "canary", "Jane", str(number)[:8], warehouse.server.user) if piece in told
    ]


def test_control_answers_while_everything_is_stuck(warehouse):
    """Held and hung connections, and clients that read nothing, do not keep the API from answering."""
    warehouse.fault("hang", {"message": "Startup", "connection": 1})
    warehouse.fault("hold", {"message": "SELECT"}, times=None, lease=3600)
    threads = [threading.Thread(target=_try_to_select, args=(warehouse.dsn,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    warehouse.held()
    client = warehouse.client.__class__(warehouse.client.host, warehouse.client.port, timeout=1.0)
    answered = [client.call("GET", path) for path in ("/resilience", "/proxies", "/resilience/receipts")]
    client.set_enabled(warehouse.name, enabled=False)
    for thread in threads:
        thread.join(30)

    assert all(answered)
    assert not any(thread.is_alive() for thread in threads)


def _try_to_select(dsn: str) -> None:
    try:
        with psycopg.connect(dsn) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError:
        return


def test_protocol_can_be_taken_away(warehouse):
    """Without a protocol bytes pass unseen, and armed faults forbid it."""
    fault = warehouse.fault("cut", {"message": "COMMIT"})
    with pytest.raises(EngineError, match="heal the faults"):
        warehouse.client.call("PUT", warehouse.path, {"protocol": None})
    warehouse.heal(fault)
    seen = warehouse.client.call("PUT", warehouse.path, {"protocol": None})
    with psycopg.connect(warehouse.dsn) as connection:
        connection.execute("select 1")

    assert seen["protocol"] is None
    assert warehouse.trace == []


def test_lists_are_complete():
    """Every kind and trigger can be posted, and every route, kind and trigger is described."""
    assert {kind.name for kind in KINDS} == set(_ATTRIBUTES)
    assert {trigger.name for trigger in TRIGGERS} == set(_TRIGGERS)
    assert [route.pattern for route in FAULT_ROUTES if _described(route.pattern) not in API] == []
    assert [
        kind.name for kind in KINDS if f"    {kind.name}" not in API and f", {kind.name} " not in API
    ] == []
    assert [trigger.name for trigger in TRIGGERS if f'{{"{trigger.name}": ' not in API] == []


def _described(pattern: str) -> str:
    return pattern.replace("{proxy}", "{p}").replace("{fault}", "{id}").replace("{hold}", "{id}")
