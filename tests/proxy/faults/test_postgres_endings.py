"""Connections that end at an exact message: nothing is there if it never came, all if only its answer was lost."""

from __future__ import annotations

import asyncio

import asyncpg
import psycopg
import psycopg2
import pytest
import sqlalchemy

ENDINGS = [("cut", {}), ("reset", {}), ("truncate", {"bytes": 3})]
LOST_BEFORE = [(kind, attributes, "request", []) for kind, attributes in ENDINGS]
LOST_AFTER = [(kind, attributes, "reply", [1]) for kind, attributes in ENDINGS]
endings = pytest.mark.parametrize(("kind", "attributes", "side", "rows"), LOST_BEFORE + LOST_AFTER)


@endings
def test_psycopg2_loses_commit(warehouse, kind, attributes, side, rows):
    """psycopg2 reports a lost connection, and the table says whether the server acted."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        fault = warehouse.fault(kind, {"message": "COMMIT", "side": side}, **attributes)
        cursor.execute("insert into t values (1)")
        with pytest.raises(psycopg2.OperationalError) as caught:
            connection.commit()

    assert caught.value.pgcode is None
    assert rows == warehouse.rows
    assert warehouse.state(fault)["fired"] == 1
    warehouse.settle()


@endings
def test_psycopg_loses_commit(warehouse, kind, attributes, side, rows):
    """The third psycopg reports a lost connection, and the table says whether the server acted."""
    with psycopg.connect(warehouse.dsn) as connection:
        warehouse.fault(kind, {"message": "COMMIT", "side": side}, **attributes)
        connection.execute("insert into t values (%s)", [1])
        with pytest.raises(psycopg.OperationalError):
            connection.commit()

    assert rows == warehouse.rows
    warehouse.settle()


@endings
def test_asyncpg_loses_commit(warehouse, kind, attributes, side, rows):
    """With asyncpg too, the caller learns of a lost connection, and the table says whether the server acted."""

    async def insert() -> None:
        connection = await asyncpg.connect(warehouse.dsn)
        async with connection.transaction():
            await connection.execute("insert into t values ($1)", 1)

    warehouse.fault(kind, {"message": "COMMIT", "side": side}, **attributes)
    with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError)):
        asyncio.run(insert())

    assert rows == warehouse.rows
    warehouse.settle()


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
@endings
def test_sqlalchemy_loses_commit(warehouse, driver, kind, attributes, side, rows):
    """SQLAlchemy knows that the connection is invalid, and its pool makes another."""
    warehouse.fault(kind, {"message": "COMMIT", "side": side}, **attributes)
    engine = sqlalchemy.create_engine(warehouse.url(f"postgresql+{driver}"))
    try:
        with pytest.raises(sqlalchemy.exc.OperationalError) as caught, engine.begin() as connection:
            connection.execute(sqlalchemy.text("insert into t values (1)"))
        with engine.connect() as connection:
            answer = connection.execute(sqlalchemy.text("select 1")).scalar_one()
    finally:
        engine.dispose()

    assert caught.value.connection_invalidated
    assert answer == 1
    assert rows == warehouse.rows
    warehouse.settle()


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_connection_ends_at_startup(warehouse, kind):
    """A connection can be lost before the server has heard of it, and the next one works."""
    fault = warehouse.fault(kind, {"message": "Startup"})
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(warehouse.dsn)
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select 1")

    assert warehouse.state(fault)["state"] == "spent"
    assert warehouse.receipts[0]["message"] == "Startup"


def test_locks_are_released_after_a_cut(warehouse):
    """What the lost session held, somebody else can have at once."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        cursor.execute("lock table t in access exclusive mode")
        warehouse.fault("cut", {"sql": "update"})
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("update t set word = 'x'")

    warehouse.settle()
    assert warehouse.rows == []


def test_truncate_passes_exactly_so_much(warehouse):
    """The client gets the first bytes of the answer and nothing more."""
    with warehouse.raw() as client:
        warehouse.fault("truncate", {"message": "SELECT", "side": "reply"}, bytes=7)
        client.send_query("select 'x'")
        received = client.read_to_end()

    assert received.endswith(b"C\x00\x00\x00\x0dSE")


def test_truncated_request_never_acts(warehouse):
    """A server that gets half a statement does not execute it."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        warehouse.fault("truncate", {"message": "INSERT"}, bytes=30)
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("insert into t values (1), (2), (3)")

    warehouse.settle()
    assert warehouse.rows == []
