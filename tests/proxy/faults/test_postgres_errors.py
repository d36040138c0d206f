"""Errors in place of requests: every driver raises its class for the code, and the session is as after a real error."""

from __future__ import annotations

import asyncio

import asyncpg
import psycopg
import psycopg2
import psycopg2.errors
import pytest
import sqlalchemy

CODES = [
    ("40001", psycopg2.errors.SerializationFailure, psycopg.errors.SerializationFailure),
    ("40P01", psycopg2.errors.DeadlockDetected, psycopg.errors.DeadlockDetected),
    ("23505", psycopg2.errors.UniqueViolation, psycopg.errors.UniqueViolation),
    ("53300", psycopg2.errors.TooManyConnections, psycopg.errors.TooManyConnections),
    ("57014", psycopg2.errors.QueryCanceled, psycopg.errors.QueryCanceled),
]
ENDS_SESSION = ["57P01", "57P02", "57P03", "08006", "08000"]


def insert_in_pipeline(connection: psycopg.Connection, rows: int) -> None:
    """Insert row by row, and wait for no answer in between."""
    with connection.pipeline():
        for number in range(rows):
            connection.execute("insert into t values (%s)", [number])


def copy_rows(connection: psycopg.Connection, rows: int) -> None:
    """Copy row by row."""
    with connection.cursor().copy("copy t from stdin") as copy:
        for number in range(rows):
            copy.write(f"{number}\tx\n")


@pytest.mark.parametrize(("code", "of_psycopg2", "of_psycopg"), CODES)
def test_codes_have_their_classes(warehouse, code, of_psycopg2, of_psycopg):
    """The error has class, code, message and detail as from a server, and nothing was executed."""
    told = {"sqlstate": code, "message": "as told", "detail": "in detail"}
    with warehouse.connect() as connection, connection.cursor() as cursor:
        warehouse.fault("error", {"message": "INSERT"}, **told)
        with pytest.raises(of_psycopg2) as caught:
            cursor.execute("insert into t values (1)")
        diagnosis = caught.value.diag
    with psycopg.connect(warehouse.dsn) as other:
        warehouse.fault("error", {"message": "INSERT"}, **told)
        with pytest.raises(of_psycopg):
            other.execute("insert into t values (%s)", [1])
        other.rollback()

    assert (diagnosis.sqlstate, diagnosis.severity) == (code, "ERROR")
    assert (diagnosis.message_primary, diagnosis.message_detail) == ("as told", "in detail")
    assert warehouse.rows == []
    traced = [entry["shape"] for entry in warehouse.trace if entry["message"] == "ErrorResponse"]
    assert traced == [code, code]  # as the client has them


def test_asyncpg_has_its_class(warehouse):
    """With asyncpg too a code has its class, in the simple and in the extended protocol."""

    async def insert(*arguments: object) -> None:
        connection = await asyncpg.connect(warehouse.dsn)
        try:
            await connection.execute(*arguments)
        finally:
            await connection.close()

    for arguments in (["insert into t values (1)"], ["insert into t values ($1)", 1]):
        warehouse.fault("error", {"message": "INSERT"}, sqlstate="40001")
        with pytest.raises(asyncpg.SerializationError):
            asyncio.run(insert(*arguments))

    assert warehouse.rows == []


def test_sqlalchemy_has_its_class(warehouse):
    """SQLAlchemy wraps the driver's error, keeps the connection, and its pool stays sound."""
    warehouse.fault("error", {"message": "INSERT"}, sqlstate="40001")
    engine = sqlalchemy.create_engine(warehouse.url("postgresql+psycopg2"))
    try:
        with pytest.raises(sqlalchemy.exc.OperationalError) as caught, engine.begin() as connection:
            connection.execute(sqlalchemy.text("insert into t values (1)"))
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("insert into t values (2)"))
    finally:
        engine.dispose()

    assert caught.value.orig.pgcode == "40001"
    assert not caught.value.connection_invalidated
    assert warehouse.rows == [2]


def test_transaction_is_failed_until_rollback(warehouse):
    """What follows the error gets 25P02 from the server itself, and after ROLLBACK all is well."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        warehouse.fault("error", {"message": "UPDATE"}, sqlstate="40001")
        with pytest.raises(psycopg2.errors.SerializationFailure):
            cursor.execute("update t set word = 'x'")
        with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
            cursor.execute("select 1")
        connection.rollback()
        cursor.execute("insert into t values (2)")
        connection.commit()

    assert warehouse.rows == [2]


@pytest.mark.parametrize("statement", ["commit", "end", "prepare transaction 'x'"])
def test_failed_commit_leaves_no_transaction(warehouse, statement):
    """As after a real COMMIT that failed the session is idle, the transaction undone, and nothing is left of it."""
    with warehouse.raw() as client:
        client.query("begin")
        client.query("insert into t values (1)")
        warehouse.fault("error", {"sql": f"^{statement}"}, sqlstate="40001")
        failed = client.query(statement)
        client.query("begin")
        client.query("insert into t values (2)")
        client.query("commit")

    assert [kind for kind, _ in failed] == [b"E", b"Z"]
    assert failed[-1][1] == b"I"
    assert warehouse.rows == [2]


def test_loops_that_rely_on_it_work(warehouse):
    """Drivers take the transaction for over when COMMIT failed: their own loops go on without a ROLLBACK."""
    warehouse.fault("error", {"message": "COMMIT"}, times=2, sqlstate="40001")
    with warehouse.connect() as connection:
        for number in range(2):
            try:
                with connection, connection.cursor() as cursor:
                    cursor.execute("insert into t values (%s)", [number])
            except psycopg2.errors.SerializationFailure:
                continue
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into t values (7)")
    with psycopg.connect(warehouse.dsn) as other:
        warehouse.fault("error", {"message": "COMMIT"}, sqlstate="40001")
        with pytest.raises(psycopg.errors.SerializationFailure), other.transaction():
            other.execute("insert into t values (8)")
        with other.transaction():
            other.execute("insert into t values (9)")

    assert warehouse.rows == [7, 9]


def test_failed_commit_in_a_pipeline(warehouse):
    """In the extended protocol too, and what the client had prepared is still there."""
    with warehouse.raw() as client:
        client.send_message(b"P", b"mine\0select 1\0\0\0")
        for sql in ("begin", "insert into t values (1)", "commit"):
            if sql == "commit":
                warehouse.fault("error", {"message": "COMMIT"}, sqlstate="40001")
            client.execute(sql, sync=False)
        client.send_message(b"S")
        failed = client.read_until(b"Z")
        client.send_message(b"B", b"\0mine\0\0\0\0\0\0\0")
        client.send_message(b"E", b"\0\0\0\0\0")
        client.send_message(b"S")
        answer = [kind for kind, _ in client.read_until(b"Z")]

    assert [kind for kind, _ in failed][-2:] == [b"E", b"Z"]
    assert failed[-1][1] == b"I"
    assert answer == [b"2", b"D", b"C", b"Z"]
    assert warehouse.rows == []


def test_failed_transaction_holds_no_locks(warehouse):
    """The server's transaction is really aborted: its locks are gone while the client has not yet said ROLLBACK."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("lock table t in access exclusive mode")
        warehouse.fault("error", {"sql": "select 1"}, sqlstate="XX000")
        with pytest.raises(psycopg2.InternalError):
            cursor.execute("select 1")
        seen = warehouse.ask("select count(*) from t")
        connection.rollback()

    assert seen == [(0,)]


def test_savepoint_survives(warehouse):
    """A savepoint brings the transaction back, as after a real error."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        cursor.execute("savepoint s")
        warehouse.fault("error", {"message": "INSERT"}, sqlstate="23505")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute("insert into t values (2)")
        cursor.execute("rollback to savepoint s")
        connection.commit()

    assert warehouse.rows == [1]


def test_autocommit_session_goes_on(warehouse):
    """Without a transaction there is nothing to abort, and the next statement works."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        warehouse.fault("error", {"message": "INSERT"}, sqlstate="40001")
        with pytest.raises(psycopg2.errors.SerializationFailure):
            cursor.execute("insert into t values (1)")
        cursor.execute("insert into t values (2)")

    assert warehouse.rows == [2]


@pytest.mark.parametrize("code", ENDS_SESSION)
def test_some_codes_end_the_session(warehouse, code):
    """A server that says these ends the session, and so does the engine; the drivers report a lost connection."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        warehouse.fault("error", {"message": "COMMIT"}, sqlstate=code)
        with pytest.raises(psycopg2.OperationalError):
            connection.commit()
        is_closed = connection.closed

    assert is_closed
    assert warehouse.rows == []
    warehouse.settle()


@pytest.mark.parametrize("severity", ["FATAL", "PANIC"])
def test_severity_ends_the_session(warehouse, severity):
    """FATAL and PANIC end the session whatever the code is, and psycopg 3 still knows the code."""
    with psycopg.connect(warehouse.dsn) as connection:
        warehouse.fault("error", {"message": "INSERT"}, sqlstate="53200", severity=severity)
        with pytest.raises(psycopg.errors.OutOfMemory) as caught:
            connection.execute("insert into t values (%s)", [1])
        is_closed = connection.closed

    assert caught.value.diag.severity == severity
    assert is_closed
    warehouse.settle()


def test_given_severity_decides(warehouse):
    """57P01 with the severity ERROR leaves the session alive."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        warehouse.fault("error", {"message": "INSERT"}, sqlstate="57P01", severity="ERROR")
        with pytest.raises(psycopg2.errors.AdminShutdown):
            cursor.execute("insert into t values (1)")
        connection.rollback()
        cursor.execute("insert into t values (2)")
        connection.commit()

    assert warehouse.rows == [2]


def test_error_at_startup(warehouse):
    """A server that has too many connections says so before anybody has logged in."""
    warehouse.fault("error", {"message": "Startup"}, sqlstate="53300", message="too many clients already")
    with pytest.raises(psycopg2.OperationalError, match="too many clients already"):
        psycopg2.connect(warehouse.dsn)
    warehouse.fault("error", {"message": "Startup"}, sqlstate="53300")
    with pytest.raises(asyncpg.TooManyConnectionsError):
        asyncio.run(asyncpg.connect(warehouse.dsn))

    warehouse.settle()


def test_error_within_copy(warehouse):
    """A COPY that fails in the middle has left no rows, and its session can be used again."""
    with psycopg.connect(warehouse.dsn) as connection:
        warehouse.fault("error", {"rows": 2}, sqlstate="22P04")
        with pytest.raises(psycopg.errors.BadCopyFileFormat):
            copy_rows(connection, 5)
        connection.rollback()
        connection.execute("insert into t values (9)")
        connection.commit()

    assert warehouse.rows == [9]


def test_error_in_a_pipeline(warehouse):
    """All of a pipeline up to its end is skipped, and undone with it."""
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        warehouse.fault("error", {"message": "INSERT", "nth": 2}, sqlstate="40001")
        with pytest.raises(psycopg.errors.SerializationFailure):
            insert_in_pipeline(connection, 4)
        connection.execute("insert into t values (%s)", [9])

    assert warehouse.rows == [9]


def test_error_at_sync_undoes_the_pipeline(warehouse):
    """An error at the end of a pipeline, where it would be committed, undoes all of it."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "Sync"}, sqlstate="40001")
        client.execute("insert into t values (1)")
        answer = client.read_until(b"Z")

    assert [kind for kind, _ in answer] == [b"1", b"2", b"C", b"E", b"Z"]
    assert answer[-1][1] == b"I"
    assert warehouse.rows == []


@pytest.mark.parametrize("message", ["Parse", "Bind", "Execute", "Describe"])
def test_error_at_each_step_of_the_extended_protocol(warehouse, message):
    """Whichever message is struck, one error comes, then nothing up to ReadyForQuery, and the next cycle works."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": message}, sqlstate="40001")
        client.send_message(b"P", b"\0insert into t values (1)\0\0\0")
        client.send_message(b"B", b"\0\0\0\0\0\0\0\0")
        client.send_message(b"D", b"P\0")
        client.send_message(b"E", b"\0\0\0\0\0")
        client.send_message(b"S")
        failed = [kind for kind, _ in client.read_until(b"Z")]
        client.execute("insert into t values (2)")
        worked = [kind for kind, _ in client.read_until(b"Z")]

    assert failed.count(b"E") == 1
    assert failed[-2:] == [b"E", b"Z"]
    assert worked == [b"1", b"2", b"C", b"Z"]
    assert warehouse.rows == [2]


def test_error_in_a_multi_statement_string(warehouse):
    """The string is not executed at all: the server never gets it."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        warehouse.fault("error", {"message": "INSERT", "nth": 2}, sqlstate="40001")
        with pytest.raises(psycopg2.errors.SerializationFailure):
            cursor.execute("insert into t values (1); insert into t values (2)")

    assert warehouse.rows == []


def test_unnamed_statement_survives(warehouse):
    """An error does not take the client's unnamed prepared statement away."""
    with warehouse.raw() as client:
        client.send_message(b"P", b"\0insert into t values (1)\0\0\0")
        client.send_message(b"S")
        client.read_until(b"Z")
        warehouse.fault("error", {"message": "SELECT"}, sqlstate="40001")
        client.send_message(b"P", b"other\0select 1\0\0\0")
        client.send_message(b"B", b"\0other\0\0\0\0\0\0\0")
        client.send_message(b"E", b"\0\0\0\0\0")
        client.send_message(b"S")
        client.read_until(b"Z")
        client.send_message(b"B", b"\0\0\0\0\0\0\0\0")
        client.send_message(b"E", b"\0\0\0\0\0")
        client.send_message(b"S")
        answer = [kind for kind, _ in client.read_until(b"Z")]

    assert answer == [b"2", b"C", b"Z"]
    assert warehouse.rows == [1]


def test_what_stands_before_in_the_same_string_was_executed(warehouse):
    """An error in place of a later statement: what was committed before it stays, what stands behind it is not run."""
    with warehouse.raw() as client:
        fault = warehouse.fault("error", {"message": "INSERT", "nth": 2}, sqlstate="40001")
        answer = client.query(
            "begin; insert into t values (1); commit; insert into t values (2); insert into t values (3)"
        )
        client.query("insert into t values (4)")

    assert [kind for kind, _ in answer] == [b"C", b"C", b"C", b"E", b"Z"]
    assert b"40001" in answer[-2][1]
    assert answer[-1][1] == b"I"
    assert warehouse.state(fault)["seen"] == 2
    assert warehouse.rows == [1, 4]


def test_commit_behind_others_in_a_string_is_refused(warehouse):
    """The transaction is over, as after a COMMIT that fails."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "COMMIT"}, sqlstate="40001")
        answer = client.query("begin; insert into t values (1); commit")

    assert [kind for kind, _ in answer] == [b"C", b"C", b"E", b"Z"]
    assert answer[-1][1] == b"I"
    assert warehouse.rows == []


def test_an_error_before_it_in_the_same_string_is_the_servers(warehouse):
    """And the session goes on, although the fault would have ended it."""
    with warehouse.raw() as client:
        warehouse.fault("error", {"message": "INSERT"}, sqlstate="57P01")
        answer = client.query("select 1/0; insert into t values (1)")
        warehouse.fault("error", {"message": "INSERT"}, sqlstate="40001")
        after = client.query("insert into t values (2)")

    assert [kind for kind, _ in answer] == [b"T", b"E", b"Z"] or [kind for kind, _ in answer] == [b"E", b"Z"]
    assert b"22012" in answer[-2][1]
    assert b"40001" in after[0][1]
    assert after[-1] == (b"Z", b"I")


def test_statements_of_a_string_that_are_not_run_are_no_matches(warehouse):
    """An error at the first of three leaves the second error to the next string."""
    inserts = "insert into t values (0); insert into t values (1); insert into t values (2)"
    with warehouse.raw() as client:
        fault = warehouse.fault("error", {"message": "INSERT"}, times=2, sqlstate="40001")
        errors = [[kind for kind, _ in client.query(inserts)].count(b"E") for _ in range(3)]

    assert errors == [1, 1, 0]
    assert warehouse.state(fault)["fired"] == 2
    assert warehouse.rows == [0, 1, 2]
