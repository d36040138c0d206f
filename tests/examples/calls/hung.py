import select

import asyncpg
import httpx
import psycopg
import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, set_wait_callback

from pytest_resilience import Deadline, http_timeout, libpq_limits, remaining_time

COUNT = "select count(*) from raw.icustays"


def wait_within_deadline(connection):
    """Wait for the server as long as the deadline lets; without one as long as it takes."""
    while (state := connection.poll()) != POLL_OK:
        reading, writing = ([connection], []) if state == POLL_READ else ([], [connection])
        if not any(select.select(reading, writing, [], remaining_time())):
            raise TimeoutError("the database did not answer in time")


set_wait_callback(wait_within_deadline)  # once in the process, for all connections of psycopg2


def by_psycopg2(dsn, seconds):
    """Count within the time, in any thread."""
    with Deadline(seconds):
        connection = psycopg2.connect(dsn, **libpq_limits())
        try:
            with connection.cursor() as cursor:
                cursor.execute(COUNT)
                return cursor.fetchone()[0]
        finally:
            connection.close()


def by_psycopg(dsn, seconds):
    """Count within the time, in the main thread."""
    with Deadline(seconds), psycopg.connect(dsn, **libpq_limits()) as connection:
        return connection.execute(COUNT).fetchone()[0]


async def by_asyncpg(dsn, seconds):
    """Count; connecting and each statement have their own limit."""
    connection = await asyncpg.connect(dsn, timeout=seconds, command_timeout=seconds)
    try:
        return await connection.fetchval(COUNT)
    finally:
        connection.terminate()  # close() would wait for the server again


def by_httpx(url, seconds):
    """Ask within the time: the client's own limit is for each step, the deadline for all of them."""
    with Deadline(seconds):
        return httpx.get(url, timeout=http_timeout()).json()
