"""Which messages are struck: tags, protocol messages, patterns, counts and conditions, however the bytes are cut."""

from __future__ import annotations

import asyncio
from contextlib import closing

import asyncpg
import psycopg
import psycopg2
import pytest

from pytest_resilience.services.toxiproxy_client import EngineError


def strikes(warehouse, when, say, *, times=None) -> list[tuple[str, str, int]]:
    """Watch with a fault that changes nothing; return what it struck."""
    fault = warehouse.fault("delay", when, times=times, by=0)
    say()
    return [(r["message"], r["side"], r["nth"]) for r in warehouse.receipts if r["fault"] == fault]


def raw_says(warehouse, *statements: str, **options):
    """Return what says these statements, each as a simple query."""

    def say() -> None:
        with warehouse.raw(**options) as client:
            for statement in statements:
                client.query(statement)

    return say


@pytest.mark.parametrize("segment", [None, 1, 3])
@pytest.mark.parametrize(
    "statement", ["commit", "END", "  /* a */ -- b\n ; Commit work;", "commit and no chain"]
)
def test_commit_has_many_spellings(warehouse, statement, segment):
    """COMMIT is struck however it is written, and however its bytes arrive."""
    say = raw_says(warehouse, "start transaction", statement, segment=segment)

    assert strikes(warehouse, {"message": "COMMIT"}, say) == [("COMMIT", "request", 1)]


def test_what_is_no_commit(warehouse):
    """Neither a literal, nor a comment, nor a prepared transaction's commit is a COMMIT."""
    say = raw_says(
        warehouse,
        "select 'commit; commit'",
        'select $x$;commit;$x$ as "commit;" /* ;commit */',
        "begin",
        "prepare transaction 'two'",
        "commit prepared 'two'",
    )

    assert strikes(warehouse, {"message": "COMMIT"}, say) == []
    assert strikes(warehouse, {"message": "COMMIT", "side": "reply"}, say) == []


@pytest.mark.parametrize(
    ("message", "statement"),
    [
        ("BEGIN", "start transaction"),
        ("ROLLBACK", "abort"),
        ("INSERT", "with x as (select 1) insert into t select * from x"),
        ("SELECT", "with x as (delete from t returning *) select * from x"),
        ("SELECT", "values (1)"),
        ("SELECT", "(select 1)"),
        ("CREATE TABLE", "create temp table x as select 1"),
        ("CREATE", "create temp table x (a int)"),
        ("TRUNCATE", "truncate t"),
        ("DECLARE", "declare c cursor with hold for select 1"),
    ],
)
@pytest.mark.parametrize("side", ["request", "reply"])
def test_tags(warehouse, message, statement, side):
    """A statement is struck by its tag, at the request and at its CommandComplete."""
    say = raw_says(warehouse, statement)

    assert strikes(warehouse, {"message": message, "side": side}, say) == [(message, side, 1)]


@pytest.mark.parametrize("side", ["request", "reply"])
def test_statements_of_a_string_count_one_by_one(warehouse, side):
    """Of two statements in one string the second is the second."""
    say = raw_says(warehouse, "begin; insert into t values (1); insert into t values (2); commit")
    when = {"message": "INSERT", "side": side, "nth": 2}

    assert strikes(warehouse, when, say) == [("INSERT", side, 2)]


def test_one_execution_counts_once(warehouse):
    """Simple, unnamed, named and executed twice: each execution counts once, on both sides."""

    def say() -> None:
        with warehouse.raw() as client:
            client.query("insert into t values (1)")
            client.execute("insert into t values (2)")
            client.read_until(b"Z")
            client.send_message(b"P", b"named\0insert into t select max(id) + 1 from t\0\0\0")
            client.send_message(b"S")
            client.read_until(b"Z")
            for _ in range(2):
                client.send_message(b"B", b"\0named\0\0\0\0\0\0\0")
                client.send_message(b"E", b"\0\0\0\0\0")
                client.send_message(b"S")
                client.read_until(b"Z")

    expected = [("INSERT", "request", number) for number in range(1, 5)]

    assert strikes(warehouse, {"message": "INSERT"}, say) == expected
    warehouse.ask("truncate t")
    assert len(strikes(warehouse, {"message": "INSERT", "side": "reply"}, say)) == 4
    warehouse.ask("truncate t")
    assert len(strikes(warehouse, {"sql": "INSERT INTO"}, say)) == 4


def test_fetching_more_of_a_portal_is_no_new_execution(warehouse):
    """A cursor that is read in pieces is one execution."""

    async def read() -> None:
        connection = await asyncpg.connect(warehouse.dsn)
        try:
            async with connection.transaction():
                rows = [row async for row in connection.cursor("select generate_series(1, 10)", prefetch=3)]
        finally:
            await connection.close()
        assert len(rows) == 10

    assert len(strikes(warehouse, {"sql": "generate_series"}, lambda: asyncio.run(read()))) == 1


def test_prepared_in_sql(warehouse):
    """EXECUTE of a statement prepared in SQL has that statement's tag."""
    say = raw_says(
        warehouse, "prepare fill (int) as insert into t values ($1)", "execute fill (1)", "execute fill (2)"
    )

    assert len(strikes(warehouse, {"message": "INSERT", "side": "reply"}, say)) == 2
    warehouse.ask("truncate t")
    assert len(strikes(warehouse, {"message": "INSERT"}, say)) == 2


@pytest.mark.parametrize(
    ("message", "side", "count"),
    [
        ("Startup", "request", 1),
        ("Startup", "reply", 1),
        ("Query", "request", 2),
        ("Query", "reply", 2),
        ("Parse", "request", 1),
        ("Parse", "reply", 1),
        ("Bind", "reply", 1),
        ("Describe", "reply", 1),
        ("Execute", "request", 1),
        ("Execute", "reply", 1),
        ("Sync", "request", 1),
        ("Sync", "reply", 1),
        ("CopyData", "request", 2),
        ("CopyData", "reply", 3),
        ("CopyDone", "request", 1),
        ("CopyDone", "reply", 1),
        ("Terminate", "request", 1),
    ],
)
def test_protocol_messages(warehouse, message, side, count):
    """A message of the protocol is struck each time, and its answer at what completes it."""

    def say() -> None:
        with warehouse.raw() as client:
            client.send_query("copy t from stdin")
            client.read_until(b"G")
            client.send_message(b"d", b"1\tx\n2")
            client.send_message(b"d", b"\ty\n3\tz\n")
            client.send_message(b"c")
            client.read_until(b"Z")
            client.query("copy t to stdout")
            client.send_message(b"P", b"\0select id from t\0\0\0")
            client.send_message(b"B", b"\0\0\0\0\0\0\0\0")
            client.send_message(b"D", b"P\0")
            client.send_message(b"E", b"\0\0\0\0\0")
            client.send_message(b"S")
            client.read_until(b"Z")
            client.send_message(b"X")
            client.read_to_end()

    assert strikes(warehouse, {"message": message, "side": side}, say) == [
        (message, side, number) for number in range(1, count + 1)
    ]


def test_sql_is_searched_ignoring_case(warehouse):
    """A pattern finds its statement in any case, unless it says that case matters."""
    say = raw_says(warehouse, "SELECT 1 as Answer", "select 2")

    assert len(strikes(warehouse, {"sql": r"select \d as answer"}, say)) == 1
    assert len(strikes(warehouse, {"sql": r"(?-i:SELECT)"}, say)) == 1


def test_sql_on_the_reply_side_is_what_is_answered(warehouse):
    """The second statement's answer is struck, not the first's."""
    say = raw_says(warehouse, "insert into t values (1); select 2 as second; select 3")
    found = strikes(warehouse, {"sql": "second", "side": "reply"}, say)
    messages = [
        entry["message"] for entry in warehouse.trace if entry["fault"] or entry["message"].startswith("Comm")
    ]

    assert found == [("SELECT", "reply", 1)]
    assert messages[:3] == ["CommandComplete", "CommandComplete", "delay at SELECT, reply"]


def test_commit_of_a_failed_transaction_is_answered_as_rollback(warehouse):
    """The server says ROLLBACK, so a lost COMMIT answer is not struck."""
    say = raw_says(warehouse, "begin", "select 1/0", "commit")

    assert strikes(warehouse, {"message": "COMMIT", "side": "reply"}, say) == []
    assert len(strikes(warehouse, {"message": "COMMIT"}, say)) == 1


def test_nth_and_times(warehouse):
    """From the n-th match on, so many."""
    say = raw_says(warehouse, *["select 1"] * 6)
    found = strikes(warehouse, {"message": "SELECT", "nth": 3}, say, times=2)

    assert [nth for _, _, nth in found] == [3, 4]


def test_nth_counts_from_when_the_fault_was_added(warehouse):
    """What passed before does not count."""
    raw_says(warehouse, "select 1", "select 1")()

    assert strikes(warehouse, {"message": "SELECT", "nth": 2}, raw_says(warehouse, "select 1")) == []


def test_nth_counts_over_connections(warehouse):
    """Three connections with one COMMIT each: the second one's is the second."""

    def say() -> None:
        for _ in range(3):
            raw_says(warehouse, "begin", "commit")()

    assert strikes(warehouse, {"message": "COMMIT", "nth": 2}, say, times=1) == [("COMMIT", "request", 2)]
    assert warehouse.receipts[0]["connection"] == 2


def test_connection(warehouse):
    """Only the connection with that number is struck."""

    def say() -> None:
        for _ in range(3):
            raw_says(warehouse, "select 1")()

    strikes(warehouse, {"message": "SELECT", "connection": 3}, say)

    assert [receipt["connection"] for receipt in warehouse.receipts] == [3]


def test_receipts_name_the_client(warehouse):
    """A receipt holds the port that ties it to the process."""
    with closing(psycopg2.connect(warehouse.dsn)) as connection:
        warehouse.fault("delay", {"message": "SELECT"}, by=0)
        connection.cursor().execute("select 1")
        port = psycopg_port(connection)
    receipt = warehouse.receipts[0]

    assert receipt["client_port"] == port
    assert (receipt["kind"], receipt["proxy"]) == ("delay", warehouse.name)


def psycopg_port(connection) -> int:
    """Return the local port of a psycopg2 connection."""
    import os
    import socket

    with socket.socket(fileno=os.dup(connection.fileno())) as sock:
        return int(sock.getsockname()[1])


def test_application_name(warehouse):
    """The name is known from the start, and after it was changed."""
    first = raw_says(warehouse, "select 1", application_name="ingest")
    renamed = raw_says(warehouse, "select 1", "set application_name = 'ingest'", "select 2")
    when = {"message": "SELECT", "application_name": "ingest"}

    assert len(strikes(warehouse, when, first)) == 1
    assert len(strikes(warehouse, when, renamed)) == 1


@pytest.mark.parametrize(("status", "count"), [("idle", 1), ("open", 2), ("failed", 3)])
def test_transaction_status(warehouse, status, count):
    """A statement is struck according to the state of its session."""
    say = raw_says(
        warehouse,
        "select 1",
        *["begin", "select 2", "select 3"],
        *["select 1/0", "select 4", "select 5", "select 6", "rollback"],
    )
    found = strikes(warehouse, {"sql": r"select \d$", "transaction": status}, say)

    assert len(found) == count


def test_cancel_is_told_apart(warehouse):
    """A CancelRequest reaches the server, and is no session."""
    fault = warehouse.fault("delay", {"message": "Startup"}, times=None, by=0)
    with psycopg.connect(warehouse.dsn) as connection:
        connection.execute("select 1")
        connection.cancel_safe()
    messages = [entry["message"] for entry in warehouse.trace]

    assert "CancelRequest" in messages
    assert warehouse.state(fault)["fired"] == 1


def test_start_and_after(warehouse):
    """`start` strikes the first message of any kind, `after` not before its time."""
    fault = warehouse.fault("delay", {"start": True}, by=0)
    later = warehouse.fault("delay", {"after": 3600}, by=0)
    raw_says(warehouse, "select 1")()

    assert warehouse.receipts[0]["message"] == "Startup"
    assert warehouse.state(fault)["fired"] == 1
    assert warehouse.state(later)["fired"] == 0


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"message": "COMIT"}, "did you mean 'COMMIT'"),
        ({"message": "COMMIT", "sql": "x"}, "exactly one"),
        ({}, "exactly one"),
        ({"message": "COMMIT", "sid": "reply"}, "did you mean 'side'"),
        ({"message": "COMMIT", "nth": 0}, "nth must be at least 1, not 0"),
        ({"message": "COMMIT", "side": "answer"}, "side must be one of request, reply, not 'answer'"),
        ({"sql": "("}, "no regular expression"),
        ({"rows": -1}, "rows must be at least 0"),
        ({"rows": 1, "nth": 2}, "nth does not go with rows"),
        ({"message": "COMMIT", "table": "t"}, "table goes with rows only"),
        ({"message": "Terminate", "side": "reply"}, "gets no reply"),
        ({"request": "GET /"}, "request is for http"),
    ],
)
def test_nonsense_is_refused(warehouse, when, words):
    """A trigger that makes no sense is refused at once, and the message says what was given."""
    with pytest.raises(EngineError) as caught:
        warehouse.fault("cut", when)

    assert "status 400" in str(caught.value)
    assert words in str(caught.value).replace('\\"', '"')
