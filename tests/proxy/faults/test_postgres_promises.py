"""A string that was made to fail gets its fault's error, and nothing else does: also among many, and after its end."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

LOCK = 7
"""An advisory lock that strings wait for before they come to what is struck."""


@contextmanager
def held_back(warehouse, *clients, second: str = "insert into t values ({id})") -> Iterator[None]:
    """Send each client's string, whose first statement waits for the server until the end of the block."""
    with warehouse.server.connect(warehouse.database) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])
        for number, client in enumerate(clients, start=1):
            client.send_query(f"select pg_advisory_xact_lock_shared({LOCK}); {second.format(id=number)}")
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        warehouse.wait_until(lambda: warehouse.ask(waiting) == [(len(clients),)], "strings that wait")
        yield
        cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


def outcome(client) -> str:
    """Read the answer to a string: the code of its error, or none."""
    fields = [payload for kind, payload in client.read_until(b"Z") if kind == b"E"]
    assert len(fields) <= 1
    return (
        "".join(field[1:].decode() for field in fields[0].split(b"\0") if field[:1] == b"C") if fields else ""
    )


def notices(warehouse) -> list[str]:
    """Return the notices of the trace."""
    return [entry["message"] for entry in warehouse.trace if entry["direction"] == "-"]


def outcome_of(client, sql: str) -> str:
    """Send a string and read its answer."""
    client.send_query(sql)
    return outcome(client)


@pytest.mark.parametrize("nth", [1, 2])
def test_strings_of_other_connections_are_left_alone(warehouse, nth):
    """Three strings under way, each of which might hold the match: one is struck, the others are carried out."""
    fault = warehouse.fault("error", {"message": "INSERT", "side": "reply", "nth": nth}, sqlstate="40001")
    inserts = "insert into t values ({id}); insert into t values ({id} * 10)"
    with warehouse.raw() as one, warehouse.raw() as two, warehouse.raw() as three:
        with held_back(warehouse, one, two, three, second=inserts):
            pass
        seen = [outcome(client) for client in (one, two, three)]

    assert sorted(seen) == ["", "", "40001"]
    assert warehouse.state(fault)["fired"] == 1
    assert len(warehouse.receipts) == 1
    assert len(warehouse.rows) == 4


def test_every_time_is_struck_once(warehouse):
    """A fault that strikes twice strikes two of three."""
    warehouse.fault("error", {"message": "INSERT", "side": "reply"}, times=2, sqlstate="40001")
    with warehouse.raw() as one, warehouse.raw() as two, warehouse.raw() as three:
        with held_back(warehouse, one, two, three):
            pass
        seen = [outcome(client) for client in (one, two, three)]

    assert sorted(seen) == ["", "40001", "40001"]
    assert len(warehouse.receipts) == 2


def test_two_strings_at_once_on_one_connection(warehouse):
    """The second one is carried out, although it was sent before the first one was answered."""
    warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
    with warehouse.raw() as client:
        with held_back(warehouse, client):
            client.send_query("insert into t values (2); select 2")
        seen = [outcome(client), outcome(client)]

    assert seen == ["40001", ""]
    assert warehouse.rows == [2]


def test_a_single_statement_does_not_take_the_place(warehouse):
    """What is answered before the string's turn is no match: the string is sure to fail, with the fault's error."""
    warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
    with warehouse.raw() as client, warehouse.raw() as bystander:
        with held_back(warehouse, client):
            untouched = bystander.query("insert into t values (9)")
        seen = outcome(client)

    assert [kind for kind, _ in untouched] == [b"C", b"Z"]
    assert seen == "40001"
    assert warehouse.rows == [9]


def test_a_string_under_way_when_the_fault_is_healed(warehouse):
    """It was made to fail already: the client gets the fault's error and no stranger's, and there is a receipt."""
    fault = warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
    with warehouse.raw() as client:
        with held_back(warehouse, client):
            warehouse.heal(fault)
        seen = outcome(client)
        after = client.query("insert into t values (9)")

    assert seen == "40001"
    assert len(warehouse.receipts) == 1
    assert [kind for kind, _ in after] == [b"C", b"Z"]
    assert warehouse.rows == [9]


def test_a_string_that_fails_by_itself_leaves_the_match_to_another(warehouse):
    """Its own error is shown, and the next match is struck."""
    warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
    with warehouse.raw() as client, warehouse.raw() as other:
        with held_back(warehouse, client, second="select 1 / 0; insert into t values (1)"):
            other.query("insert into t values (8)")
        seen = outcome(client)
        other.send_query("insert into t values (9); select 1")
        struck = outcome(other)

    assert [seen, struck] == ["22012", "40001"]
    assert warehouse.rows == [8]


def test_a_client_that_goes_away_leaves_the_match_to_another(warehouse):
    """A connection that is reset before its string is answered does not keep the fault."""
    warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
    with warehouse.raw() as other:
        with warehouse.raw() as client, held_back(warehouse, client):
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sock.close()
            warehouse.wait_until(lambda: "closed" in notices(warehouse), "the end of the connection")
        struck = outcome_of(other, "insert into t values (9); select 1")

    assert struck == "40001"
