"""Rows: the fault acts before the row that is one too many where rows pass, else at the reply that reports enough."""

from __future__ import annotations

import asyncio
import io
import threading

import asyncpg
import psycopg
import psycopg2
import psycopg2.extras
import pytest

TEXT = "".join(f"{number}\tline\\\\nof {number}\n" for number in range(200))
CSV = "id,word\r\n" + "".join(f'{number},"a ""word""\r\nof {number}"\r\n' for number in range(200))


def copy(warehouse, sql: str, data: str, size: int) -> None:
    """Copy with psycopg2, in messages of that size."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.copy_expert(sql, io.StringIO(data), size)
        connection.commit()


@pytest.mark.parametrize("size", [16, 1000, 8192])
@pytest.mark.parametrize(
    ("sql", "data"),
    [("copy t from stdin", TEXT), ("copy t from stdin with (format csv, header)", CSV)],
)
def test_copy_is_cut_before_the_next_row(warehouse, sql, data, size):
    """The connection ends before any byte of row N+1 is forwarded: nothing was committed, and the session is gone."""
    fault = warehouse.fault("cut", {"rows": 100})
    with pytest.raises(psycopg2.OperationalError):
        copy(warehouse, sql, data, size)

    assert warehouse.state(fault)["fired"] == 1
    assert warehouse.receipts[0]["message"] == "CopyData"
    assert warehouse.rows == []


@pytest.mark.parametrize("size", [16, 8192])
@pytest.mark.parametrize(
    ("sql", "data"),
    [
        ("copy t from stdin", TEXT),
        ("copy t from stdin", TEXT.rstrip("\n")),
        ("copy t from stdin", TEXT + "\\.\n"),
        ("copy t from stdin with csv header", CSV),
    ],
)
def test_copy_of_exactly_so_many_rows_is_not_struck(warehouse, sql, data, size):
    """If there are only N rows the fault never acts, and they are all there."""
    fault = warehouse.fault("cut", {"rows": 200})
    copy(warehouse, sql, data, size)

    assert warehouse.state(fault)["state"] == "armed"
    assert warehouse.state(fault)["rows_seen"] == 200
    assert len(warehouse.rows) == 200


def test_rows_before_are_forwarded_and_the_next_is_not(warehouse):
    """Row by row: exactly N messages reach the server before the fault acts."""
    with warehouse.raw() as client:
        warehouse.fault("hold", {"rows": 3})
        client.send_query("copy t from stdin")
        client.read_until(b"G")
        for number in range(5):
            client.send_message(b"d", b"%d\tx\n" % number)
        hold = warehouse.held()
        passed = [
            e["count"] for e in warehouse.trace if e["message"] == "CopyData" and e["direction"] == "request"
        ]
        warehouse.decide(hold, "cut")

    assert sum(passed) == 4  # the fourth was seen, and is held
    assert hold["message"] == "CopyData"


def test_binary_copy(warehouse):
    """Asyncpg copies in binary; its rows are counted too."""

    async def ingest() -> None:
        connection = await asyncpg.connect(warehouse.dsn)
        try:
            await connection.copy_records_to_table("t", records=[(number, "x") for number in range(50)])
        finally:
            connection.terminate()

    exact = warehouse.fault("cut", {"rows": 50})
    asyncio.run(ingest())
    warehouse.heal(exact)
    warehouse.ask("truncate t")
    fault = warehouse.fault("cut", {"rows": 49})
    with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError, asyncpg.InterfaceError)):
        asyncio.run(ingest())

    assert warehouse.state(exact)["fired"] == 0
    assert warehouse.state(fault)["fired"] == 1
    assert warehouse.rows == []


def test_inserts_are_struck_at_their_reply(warehouse):
    """The server has acted when its reply reports the hundredth row; the client never hears of it."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        fault = warehouse.fault("cut", {"rows": 100})
        values = [(number,) for number in range(250)]
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.extras.execute_values(cursor, "insert into t (id) values %s", values, page_size=40)

    assert warehouse.state(fault)["fired"] == 1
    assert len(warehouse.rows) == 120
    assert (warehouse.receipts[0]["message"], warehouse.receipts[0]["side"]) == ("INSERT", "reply")


def test_rows_count_over_statements_and_connections(warehouse):
    """COPY and INSERT of several connections count together; those of rolled-back transactions too."""
    fault = warehouse.fault("cut", {"rows": 6})
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1), (2), (3)")
        connection.rollback()
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.copy_expert("copy t from stdin", io.StringIO("1\tx\n2\tx\n"))
        connection.rollback()
    armed = warehouse.state(fault)["state"]
    with (
        warehouse.connect() as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.OperationalError),
    ):
        cursor.copy_expert("copy t from stdin", io.StringIO("1\tx\n2\tx\n"))

    assert armed == "armed"
    assert warehouse.state(fault)["fired"] == 1


@pytest.mark.parametrize(
    ("table", "strikes"),
    [("t", True), ("public.t", True), ("other.t", False), ("u", False), ("T", True), ('"T"', False)],
)
def test_only_rows_of_the_table_count(warehouse, table, strikes):
    """A table is known by its name; one without a schema is in any."""
    fault = warehouse.fault("delay", {"rows": 1, "table": table}, by=0)
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        connection.execute("create temp table v (a int)")
        connection.execute("insert into v values (1), (2)")
        connection.execute("insert into Public.T (id) values (%s)", [1])

    assert bool(warehouse.state(fault)["fired"]) is strikes


def test_what_is_no_row(warehouse):
    """Rows that are read, changed or deleted are not counted."""
    warehouse.ask("insert into t select generate_series(1, 10)")
    fault = warehouse.fault("cut", {"rows": 1})
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        connection.execute("select * from t")
        connection.execute("update t set word = 'x'")
        connection.execute("delete from t where id > 5")
        with connection.cursor().copy("copy t to stdout") as copied:
            lines = list(copied)

    assert len(lines) == 5
    assert warehouse.state(fault)["fired"] == 0


def test_upserts_and_merges_count(warehouse):
    """What INSERT ... ON CONFLICT and MERGE report as written counts."""
    fault = warehouse.fault("delay", {"rows": 3}, by=0)
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        connection.execute("insert into t values (1, 'a'), (2, 'b') on conflict (id) do nothing")
        connection.execute(
            "merge into t using (values (2, 'c'), (3, 'd')) as s (id, word) on t.id = s.id"
            " when matched then update set word = s.word when not matched then insert values (s.id, s.word)"
        )

    assert warehouse.receipts[0]["message"] == "MERGE"
    assert warehouse.state(fault)["fired"] == 1


@pytest.mark.parametrize("message", ["CopyData", "CopyDone"])
def test_extended_copy_whose_rows_are_not_asked_for(warehouse, message):
    """Rows that follow the Execute at once belong to its COPY: an error in place of one of their messages ends it."""
    warehouse.fault("error", {"message": message}, sqlstate="40001")
    with warehouse.raw() as client:
        client.execute("copy t from stdin", sync=False)
        client.send_message(b"d", b"1\tx\n")
        client.send_message(b"c")
        client.send_message(b"S")
        answer = client.read_until(b"Z")
        after = client.query("insert into t values (9)")

    assert [kind for kind, _ in answer] == [b"1", b"2", b"G", b"E", b"Z"]
    assert b"C40001" in answer[3][1]
    assert [kind for kind, _ in after] == [b"C", b"Z"]
    assert warehouse.rows == [9]


def test_extended_copy(warehouse):
    """A COPY begun in the extended protocol is followed as well, although its early Sync has no answer."""
    with warehouse.raw() as client:
        fault = warehouse.fault("delay", {"rows": 2}, by=0)
        client.execute("copy t from stdin")
        client.read_until(b"G")
        for number in range(4):
            client.send_message(b"d", b"%d\tx\n" % number)
        client.send_message(b"c")
        client.send_message(b"S")
        copied = [kind for kind, _ in client.read_until(b"Z")]
        lost = warehouse.fault("error", {"sql": "select 7", "side": "reply"}, sqlstate="40001")
        client.execute("select 7")
        answer = [kind for kind, _ in client.read_until(b"Z")]

    assert copied == [b"C", b"Z"]
    assert answer[-2:] == [b"E", b"Z"]
    assert [warehouse.state(name)["fired"] for name in (fault, lost)] == [1, 1]


def test_huge_message_is_not_kept(warehouse, engine_memory):
    """A hundred megabytes in one CopyData message pass with the engine's memory hardly growing."""
    size = 100 * 1024 * 1024
    with warehouse.raw() as client:
        client.send_query("copy t from stdin")
        client.read_until(b"G")
        before = engine_memory()
        sender = threading.Thread(target=client.send_message, args=(b"d", b"1\t" + b"x" * size + b"\n"))
        sender.start()
        sender.join()
        client.send_message(b"c")
        answer = [kind for kind, _ in client.read_until(b"Z")]
        grown = engine_memory() - before

    assert answer == [b"C", b"Z"]
    assert warehouse.ask("select length(word) from t") == [(size,)]
    assert grown < 20 * 1024
