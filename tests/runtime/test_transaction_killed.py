"""A unit of work that is killed or cut off at each of its messages: all of it or nothing, and once in the end."""

from __future__ import annotations

import contextlib
import signal
from types import SimpleNamespace

import psycopg
import psycopg2
import pytest

from pytest_resilience import CommitMarker, execute_with_rollback, run_in_transaction

BEFORE, AFTER = [(1, 7, 0), (2, None, 0)], [(1, None, 1), (2, 7, 1)]
OPERATIONS = [
    ("update beds set stay_id = null, moves = moves + 1 where bed = %s", (1,)),
    ("update beds set stay_id = %s, moves = moves + 1 where bed = %s", (7, 2)),
]
MOVED = "move-7"


def by_operations(dsn):
    """Move a patient to another bed by `execute_with_rollback`, on psycopg2."""
    marker = CommitMarker(name=MOVED, reconnect=lambda: psycopg2.connect(dsn))
    with contextlib.closing(psycopg2.connect(dsn)) as connection:
        return execute_with_rollback(connection, OPERATIONS, marker=marker)


def by_function(dsn):
    """Do the same by `run_in_transaction`, on psycopg 3, whose messages are those of the extended protocol."""

    def move(cursor):
        for sql, parameters in OPERATIONS:
            cursor.execute(sql, parameters)

    marker = CommitMarker(name=MOVED, reconnect=lambda: psycopg.connect(dsn))
    with contextlib.closing(psycopg.connect(dsn)) as connection:
        return run_in_transaction(connection, move, marker=marker)


def by_hand(dsn):
    """Do the same without a transaction: what the proof has to catch."""
    with contextlib.closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        for sql, parameters in OPERATIONS:
            cursor.execute(sql, parameters)
            connection.commit()


@pytest.fixture
def beds(rows):
    """Two beds: `seen()` is what is in them; `anew()` puts the patient back, who then was never moved."""
    rows("create table beds (bed int primary key, stay_id int, moves int not null default 0)")

    def anew():
        rows("drop table if exists resilience_commits; truncate beds")
        rows("insert into beds values (1, 7), (2, null)")

    return SimpleNamespace(seen=lambda: rows("select bed, stay_id, moves from beds order by bed"), anew=anew)


@pytest.fixture
def places(beds, proxied, points):
    """Return a function that returns the fault points of undisturbed work."""

    def of(work):
        beds.anew()
        work(proxied.dsn)
        assert beds.seen() == AFTER
        return points()

    return of


@pytest.mark.parametrize("decision", ["drop", "deliver"])
@pytest.mark.parametrize("work", [by_operations, by_function])
def test_killed_at_any_message_it_is_all_or_nothing(work, decision, places, beds, proxied, killed_at):
    """SIGKILL at every message, before the server has it or after it acted; the next run ends what was begun."""
    for point in places(work):
        beds.anew()
        ended = killed_at(point, decision, work, proxied.dsn)
        assert (point.id, ended) == (point.id, -signal.SIGKILL)
        assert beds.seen() in (BEFORE, AFTER)
        outcome = work(proxied.dsn)
        assert (point.id, outcome.status, beds.seen()) == (point.id, "committed", AFTER)


@pytest.mark.parametrize("work", [by_operations, by_function])
def test_cut_off_at_any_message_the_outcome_is_what_the_tables_say(work, places, beds, proxied):
    """With a marker nothing stays unknown, and a second run does what is left, once."""
    driver = psycopg2 if work is by_operations else psycopg
    for point in places(work):
        beds.anew()
        outcome = None
        with (
            proxied.at(point.message, side=point.side, nth=point.nth).cut(),
            contextlib.suppress(driver.OperationalError),  # it could not even connect
        ):
            outcome = work(proxied.dsn)
        seen = beds.seen()
        told = "rolled_back" if outcome is None else str(outcome.status)
        assert (point.id, told, seen) == (point.id, "committed" if seen == AFTER else "rolled_back", seen)
        assert seen in (BEFORE, AFTER)
        assert work(proxied.dsn).repeated == (seen == AFTER)
        assert (point.id, beds.seen()) == (point.id, AFTER)


def test_the_proof_catches_statements_committed_one_by_one(places, beds, proxied, killed_at):
    """Work without a transaction is seen half done."""
    halves = []
    for point in places(by_hand):
        beds.anew()
        killed_at(point, "drop", by_hand, proxied.dsn)
        if beds.seen() not in (BEFORE, AFTER):
            halves.append(point.id)

    assert "COMMIT-1-reply" in halves
