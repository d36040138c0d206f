"""Errors in place of answers: the server acted, the client is told that it did not, and no transaction outlives it."""

from __future__ import annotations

import asyncio

import asyncpg
import psycopg
import psycopg2
import psycopg2.errors
import pytest


def insert_in_pipeline(connection: psycopg.Connection, rows: int) -> None:
    """Insert row by row, and wait for no answer in between."""
    with connection.pipeline():
        for number in range(rows):
            connection.execute("insert into t values (%s)", [number])


def test_commit_was_applied(warehouse):
    """An error in place of COMMIT's answer: all is there, and the session goes on."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        warehouse.fault("error", {"message": "COMMIT", "side": "reply"}, sqlstate="40001")
        with pytest.raises(psycopg2.errors.SerializationFailure):
            connection.commit()
        seen = warehouse.rows
        cursor.execute("insert into t values (2)")
        connection.commit()

    assert seen == [1]
    assert warehouse.rows == [1, 2]


def test_transaction_is_aborted(warehouse):
    """An error in place of INSERT's answer leaves the server's transaction failed: 25P02 until ROLLBACK."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40P01")
        with pytest.raises(psycopg2.errors.DeadlockDetected):
            cursor.execute("insert into t values (1)")
        with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
            cursor.execute("select 1")
        connection.rollback()
        cursor.execute("insert into t values (2)")
        connection.commit()

    assert warehouse.rows == [2]


def test_begin_leaves_no_open_transaction(warehouse):
    """An error in place of BEGIN's answer leaves nothing open on the server."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "BEGIN", "side": "reply"}, sqlstate="XX000")
        answer = client.query("begin")
        refused = client.query("select 1")

    assert [kind for kind, _ in answer] == [b"E", b"Z"]
    assert answer[-1][1] == b"E"
    assert b"25P02" in refused[0][1]


@pytest.mark.parametrize("sql", ["insert into t values (1)", "insert into t values (1); "])
def test_autocommitted_statement_was_applied(warehouse, sql):
    """A statement that is its own transaction has been committed when its answer is lost."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
        with pytest.raises(psycopg2.errors.SerializationFailure):
            cursor.execute(sql)
        cursor.execute("insert into t values (2)")

    assert warehouse.rows == [1, 2]


def test_autocommitted_statement_of_the_extended_protocol_was_applied(warehouse):
    """The same for a single Parse, Bind, Execute and Sync; with asyncpg as well."""

    async def insert() -> None:
        connection = await asyncpg.connect(warehouse.dsn)
        try:
            with pytest.raises(asyncpg.SerializationError):
                await connection.execute("insert into t values ($1)", 1)
            await connection.execute("insert into t values ($1)", 2)
        finally:
            await connection.close()

    warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
    asyncio.run(insert())

    assert warehouse.rows == [1, 2]


def test_extended_protocol_within_a_transaction(warehouse):
    """In a transaction the answer's loss aborts it, for psycopg 3 and asyncpg too."""
    with psycopg.connect(warehouse.dsn) as connection:
        connection.execute("insert into t values (%s)", [1])
        warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
        with pytest.raises(psycopg.errors.SerializationFailure):
            connection.execute("insert into t values (%s)", [2])
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("insert into t values (%s)", [3])
        connection.rollback()

    assert warehouse.rows == []


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_implicit_transaction_of_a_string_is_undone(warehouse, nth):
    """An error in place of any answer to a multi-statement string undoes all of it."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        warehouse.fault("error", {"message": "INSERT", "side": "reply", "nth": nth}, sqlstate="40001")
        with pytest.raises(psycopg2.errors.SerializationFailure):
            cursor.execute(
                "insert into t values (1); insert into t values (2); insert into t values (3) -- end"
            )
        cursor.execute("insert into t values (9)")

    assert warehouse.rows == [9]


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_implicit_transaction_of_a_pipeline_is_undone(warehouse, nth):
    """An error in place of any answer of a pipeline undoes all of it, and the session goes on."""
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        warehouse.fault("error", {"message": "INSERT", "side": "reply", "nth": nth}, sqlstate="40001")
        with pytest.raises(psycopg.errors.SerializationFailure):
            insert_in_pipeline(connection, 3)
        connection.execute("insert into t values (%s)", [9])

    assert warehouse.rows == [9]


def test_pipeline_after_the_last_match_is_untouched(warehouse):
    """A pipeline that holds the message but not the n-th one is committed."""
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        warehouse.fault("error", {"message": "INSERT", "side": "reply", "nth": 4}, sqlstate="40001")
        insert_in_pipeline(connection, 3)

    assert warehouse.rows == [0, 1, 2]


def test_explicit_transaction_within_a_string(warehouse):
    """Within BEGIN and COMMIT in one string the transaction fails, and COMMIT is not executed."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
        answer = client.query("begin; insert into t values (1); commit; insert into t values (2)")
        rolled_back = client.query("rollback")

    assert [kind for kind, _ in answer] == [b"C", b"E", b"Z"]
    assert answer[-1][1] == b"E"
    assert rolled_back[-1][1] == b"I"
    assert warehouse.rows == []


def test_commit_within_a_string_was_applied(warehouse):
    """What was committed before the error stays, what stands behind it is not executed."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "COMMIT", "side": "reply"}, sqlstate="40001")
        answer = client.query("begin; insert into t values (1); commit; insert into t values (2)")

    assert [kind for kind, _ in answer] == [b"C", b"C", b"E", b"Z"]
    assert answer[-1][1] == b"I"
    assert warehouse.rows == [1]


def test_pipeline_with_commit_was_applied(warehouse):
    """In a pipeline too, COMMIT's lost answer does not undo the commit, but what follows it."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "COMMIT", "side": "reply"}, sqlstate="40001")
        for sql in ("begin", "insert into t values (1)", "commit", "insert into t values (2)"):
            client.execute(sql, sync=False)
        client.send_message(b"S")
        answer = client.read_until(b"Z")

    assert [kind for kind, _ in answer].count(b"C") == 2
    assert [kind for kind, _ in answer][-2:] == [b"E", b"Z"]
    assert answer[-1][1] == b"I"
    assert warehouse.rows == [1]


def test_fatal_error_ends_the_session(warehouse):
    """FATAL in place of COMMIT's answer: the server acted, and the connection is gone."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        warehouse.fault("error", {"message": "COMMIT", "side": "reply"}, sqlstate="57P01")
        with pytest.raises(psycopg2.OperationalError):
            connection.commit()

    assert warehouse.rows == [1]
    warehouse.settle()


def test_row_count_strikes_at_the_reply(warehouse):
    """The reply whose running total reaches the number is exchanged, and its transaction aborted."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        warehouse.fault("error", {"rows": 5}, sqlstate="40001")
        cursor.execute("insert into t select generate_series(1, 4)")
        with pytest.raises(psycopg2.errors.SerializationFailure):
            cursor.execute("insert into t select generate_series(11, 14)")
        connection.rollback()

    assert warehouse.rows == []
    assert warehouse.receipts[0]["message"] == "INSERT"


def test_row_count_undoes_a_pipeline(warehouse):
    """A pipeline whose rows reach the number is undone, although nobody could foresee which statement it is."""
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        warehouse.fault("error", {"rows": 3}, sqlstate="40001")
        with pytest.raises(psycopg.errors.SerializationFailure):
            insert_in_pipeline(connection, 6)

    assert warehouse.rows == []


def test_real_error_comes_first(warehouse):
    """A statement that fails by itself has its own error, and leaves the fault armed."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        fault = warehouse.fault("error", {"message": "INSERT", "side": "reply"}, sqlstate="40001")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute("insert into t values (1), (1); insert into t values (2)")
        cursor.execute("select 1")

    assert warehouse.state(fault)["state"] == "armed"
    assert warehouse.rows == []


def test_answer_to_a_query_is_replaced_whole(warehouse):
    """At the protocol's Query the client sees nothing of the answer, whatever it was, but the error."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "Query", "side": "reply"}, sqlstate="40001")
        answer = client.query("select generate_series(1, 1000)")
        following = client.query("select 1")

    assert [kind for kind, _ in answer] == [b"E", b"Z"]
    assert [kind for kind, _ in following] == [b"T", b"D", b"C", b"Z"]


INSERTS = (
    "insert into t values (0)",
    "insert into t values (1)",
    "insert into t values (2)",
    "insert into t values (3)",
)


def pipelined(client, *statements: str) -> list[tuple[bytes, bytes]]:
    """Ask for all of it at once; return what is answered up to ReadyForQuery."""
    for sql in statements:
        client.execute(sql, sync=False)
    client.send_message(b"S")
    return client.read_until(b"Z")


@pytest.mark.parametrize("message", ["INSERT", "COMMIT"])
@pytest.mark.parametrize(("first", "code"), [("select 1/0", b"22012"), ("selec 1", b"42601")])
def test_an_answer_that_never_comes_is_not_waited_for(warehouse, first, code, message):
    """A pipeline whose earlier statement fails by itself ends with that error, and the fault is still to come."""
    with warehouse.raw() as client:
        fault = warehouse.fault("error", {"message": message, "side": "reply"}, sqlstate="40001")
        answer = pipelined(client, "begin", first, "insert into t values (1)", "commit")
        client.query("rollback")
        after = pipelined(client, "begin", "insert into t values (2)", "commit")

    assert [kind for kind, _ in answer].count(b"E") == 1
    assert code in next(payload for kind, payload in answer if kind == b"E")
    assert b"40001" in next(payload for kind, payload in after if kind == b"E")
    assert warehouse.state(fault)["seen"] == 1


@pytest.mark.parametrize("side", ["request", "reply"])
def test_what_is_skipped_behind_an_error_is_no_match(warehouse, side):
    """Nothing of a pipeline is executed behind an error: each pipeline has one, and none is spent on what is not."""
    with warehouse.raw() as client:
        fault = warehouse.fault("error", {"message": "INSERT", "side": side}, times=2, sqlstate="40001")
        errors = []
        for _ in range(3):
            answer = pipelined(client, *INSERTS)
            errors.append([kind for kind, _ in answer].count(b"E"))
            counted = {key: warehouse.state(fault)[key] for key in ("seen", "fired")}
            assert counted["seen"] == counted["fired"] == min(len(errors), 2)

    assert errors == [1, 1, 0]
    assert warehouse.rows == [0, 1, 2, 3]


def test_errors_in_place_of_requests_and_of_answers_go_together(warehouse):
    """The one lets the server skip what the other waits for."""
    with warehouse.raw() as client:
        asked = warehouse.fault("error", {"message": "INSERT"}, sqlstate="40P01")
        answered = warehouse.fault(
            "error", {"message": "INSERT", "side": "reply", "nth": 2}, sqlstate="40001"
        )
        first, second = pipelined(client, *INSERTS), pipelined(client, *INSERTS)

    assert b"40P01" in next(payload for kind, payload in first if kind == b"E")
    assert b"40001" in next(payload for kind, payload in second if kind == b"E")
    assert [warehouse.state(fault)["fired"] for fault in (asked, answered)] == [1, 1]
    assert warehouse.rows == []


def test_rows_that_an_answer_waits_for_are_passed_on(warehouse):
    """COPY in the extended protocol: its answer comes behind its rows."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "COPY", "side": "reply"}, sqlstate="40001")
        client.execute("copy t from stdin", sync=False)
        client.send_message(b"S")
        client.read_until(b"G")
        client.send_message(b"d", b"1\tx\n")
        client.send_message(b"c")
        client.send_message(b"S")
        answer = client.read_until(b"Z")
        after = client.query("select 1")

    assert b"40001" in next(payload for kind, payload in answer if kind == b"E")
    assert [kind for kind, _ in after] == [b"T", b"D", b"C", b"Z"]
