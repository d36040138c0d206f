"""Exactly once, whatever happens at whichever message: killed, or cut off, before or after the server acted."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from types import SimpleNamespace

import psycopg2
import pytest

from pytest_resilience import CheckpointManager, RetryableError, ingest_data_with_checkpoint

VERDICTS = ("lose request", "lose reply")
TEXT = (
    "stay_id,unit\n"
    + "".join(f"{n},MICU\n" for n in range(12))
    + 'wrong,MICU\n12,"two\nlines"\n'
    + "".join(f"{n},SICU\n" for n in range(13, 25))
)
OWN = "raw.stays_rejects, resilience_checkpoints, resilience_ingestions"


def ingest(path, dsn):
    """Ingest in batches of 10 rows; also what a child process does."""
    return ingest_data_with_checkpoint(path, "raw.stays", dsn=dsn, batch_size=10)


@pytest.fixture
def world(table, rows, write, database, relayed):
    """A file of three batches, with a wrong row and a line end inside quotes, and what an undisturbed run leaves."""

    def look():
        return (
            table(),
            rows("select line, row_text, sqlstate from raw.stays_rejects order by 1"),
            rows("select operation_id from resilience_checkpoints"),
            rows("select count(*) from resilience_ingestions"),
        )

    def finish():
        """Run without disturbance, and begin anew."""
        result = ingest(path, database)
        seen = look()
        rows(f"drop table {OWN}; truncate raw.stays")
        return result, seen

    path = write(TEXT)
    relay = relayed()
    ingest(path, relay.dsn)
    expected = look()
    assert len(expected[0]) == 25
    rows(f"drop table {OWN}; truncate raw.stays")
    first_copy = next(message.number for message in relay.seen if message.text.startswith(b"copy"))
    return SimpleNamespace(
        path=path, expected=expected, messages=len(relay.seen), first_copy=first_copy, finish=finish
    )


def strike(number, verdict, then=lambda: None):
    """Return a judge that strikes at one message."""

    def judge(message):
        if message.number != number:
            return None
        then()
        return verdict

    return judge


@pytest.mark.parametrize("verdict", VERDICTS)
def test_cut_off_at_any_message_the_same_call_finishes(verdict, world, relayed):
    """The first call says that it may be tried again; the second leaves what an undisturbed run leaves."""
    for number in range(1, world.messages + 1):
        relay = relayed(judge=strike(number, verdict))
        try:
            ingest(world.path, relay.dsn)
        except RetryableError:
            pass
        else:
            assert number > world.messages - 4, (
                "only what follows the note of the end may go missing unnoticed"
            )
        relay.down()
        result, seen = world.finish()
        assert (number, result.rows, result.rejected) == (number, 25, 1)
        assert (number, seen) == (number, world.expected)


@pytest.fixture
def killed(world, relayed):
    """Return a function that runs in a process that is killed at a message, and returns its exit code."""
    children = multiprocessing.get_context("forkserver")
    children.set_forkserver_preload(["psycopg2", "pytest_resilience.runtime.ingestion.ingest"])

    def run(number, verdict):
        relay = relayed(judge=strike(number, verdict, lambda: os.kill(child.pid, signal.SIGKILL)))
        child = children.Process(target=ingest, args=(world.path, relay.dsn))
        child.start()
        child.join()
        relay.down()
        return child.exitcode

    return run


def test_killed_at_any_message_the_same_command_finishes(killed, world, table):
    """SIGKILL at every message from the first row on; what is redone is at most the batch under way."""
    for number in range(world.first_copy, world.messages):
        assert (number, killed(number, "lose reply")) == (number, -signal.SIGKILL)
        kept = len(table())
        result, seen = world.finish()
        assert (number, seen) == (number, world.expected)
        assert result.resumed_from >= kept


def test_killed_again_and_again_it_still_finishes(killed, world):
    """Restarts are killed as well, at messages drawn at random, and in the end nothing is missing or doubled."""
    draw = random.Random(20)
    for _ in range(5):
        for _ in range(4):
            killed(draw.randrange(1, world.messages), draw.choice(VERDICTS))
        _, seen = world.finish()
        assert seen == world.expected


def test_the_checker_catches_data_and_position_committed_apart(database, relayed, rows, tmp_path):
    """The proof is worth something: code that commits rows, and then saves its position, doubles a batch."""
    lines = [line for line in TEXT.splitlines(keepends=True)[1:] if line[0].isdigit() and '"' not in line]

    def naive(dsn):
        checkpoints = CheckpointManager(tmp_path / "naive")
        done = (checkpoints.load_checkpoint("naive") or {"row": 0})["row"]
        connection = psycopg2.connect(dsn)
        try:
            while done < len(lines):
                with connection.cursor() as cursor:
                    for line in lines[done : done + 10]:
                        cursor.execute("insert into plain values (%s)", (line.partition(",")[0],))
                connection.commit()
                done += 10
                checkpoints.save_checkpoint("naive", {"row": done})
        finally:
            connection.close()
        checkpoints.delete_checkpoint("naive")

    rows("create table plain (stay_id int)")
    broken = 0
    for number in range(1, 40):
        relay = relayed(judge=strike(number, "lose reply"))
        try:
            naive(relay.dsn)
        except psycopg2.Error:
            relay.down()
            naive(database)
        broken += rows("select count(*) from plain") != [(len(lines),)]
        rows("truncate plain")
    assert broken > 0
