"""The warehouse, by psycopg2: one transaction, the whole of it again while that may help."""

import os
import random
import select
import time

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, set_wait_callback

import oncall

ATTEMPTS = 4
PASSES = ("08", "40", "53", "57P0")  # SQLSTATEs of what may work a moment later


class WarehouseError(Exception):
    pass


def in_transaction(operation, work):
    """Do the work and commit it; after what may pass try all of it again, with growing waits."""
    set_wait_callback(answer)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            once(work)
        except (psycopg2.Error, TimeoutError) as error:
            code = getattr(error, "pgcode", None)
            facts = {"operation": operation, "attempt": attempt, "sqlstate": code}
            if attempt == ATTEMPTS or not may_pass(error, code):
                oncall.log("ERROR", f"could not {operation}; follow runbooks/warehouse.md", error, **facts)
                raise WarehouseError(f"could not {operation}: SQLSTATE {code}") from error
            oncall.log("WARNING", f"could not {operation}, trying again", error, **facts)
            time.sleep(random.uniform(0.5, 1) * 0.2 * 2**attempt)
        else:
            return


def once(work):
    connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=2)
    try:
        with connection, connection.cursor() as cursor:
            work(cursor)
    finally:
        connection.close()


def may_pass(error, code):
    if code:
        return code.startswith(PASSES)
    return not any(words in str(error) for words in ("authentication", "does not exist", "permission"))


def answer(connection):
    """Wait for the server, but not for ever: psycopg2 has no time-out of its own for that."""
    until = time.monotonic() + 2
    while (state := connection.poll()) != POLL_OK:
        reading, writing = ([connection], []) if state == POLL_READ else ([], [connection])
        if not any(select.select(reading, writing, [], max(0, until - time.monotonic()))):
            raise TimeoutError("no answer within 2 s")
