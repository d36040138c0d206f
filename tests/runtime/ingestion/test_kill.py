"""Exactly once, whatever happens at whichever message: killed, or cut off, before or after the server acted."""

from __future__ import annotations

import contextlib
import random
import signal
from types import SimpleNamespace

import psycopg2
import pytest

from pytest_resilience import CheckpointManager, RetryableError, ingest_data_with_checkpoint

TEXT = (
    "stay_id,unit\n"
    + "".join(f"{n},MICU\n" for n in range(12))
    + 'wrong,MICU\n12,"two\nlines"\n'
    + "".join(f"{n},SICU\n" for n in range(13, 25))
)
OWN = "raw.stays_rejects, resilience_checkpoints, resilience_ingestions"
WAYS = [("request", "drop"), ("request", "deliver"), ("reply", "drop")]
"""On which side of the server the message is held, and what becomes of it when its sender is gone."""


def ingest(path, dsn):
    """Ingest in batches of 10 rows; also what a child process does."""
    return ingest_data_with_checkpoint(path, "raw.stays", dsn=dsn, batch_size=10)


@pytest.fixture
def world(table, rows, write, database, proxied, points):
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
    ingest(path, proxied.dsn)
    expected = look()
    assert len(expected[0]) == 25
    rows(f"drop table {OWN}; truncate raw.stays")
    return SimpleNamespace(path=path, expected=expected, points=points(), finish=finish)


@pytest.mark.parametrize("side", ["request", "reply"])
def test_cut_off_at_any_message_the_same_call_finishes(side, world, proxied):
    """The first call says that it may be tried again; the second leaves what an undisturbed run leaves."""
    unnoticed = []
    for point in (point for point in world.points if point.side == side):
        with proxied.at(point.message, side=side, nth=point.nth).cut():
            try:
                ingest(world.path, proxied.dsn)
            except RetryableError:
                pass
            else:
                unnoticed.append(point.id)
        result, seen = world.finish()
        assert (point.id, result.rows, result.rejected) == (point.id, 25, 1)
        assert (point.id, seen) == (point.id, world.expected)

    last = [point.id for point in world.points if point.side == side][-3:]
    assert set(unnoticed) <= set(last), "only what follows the note of the end may go missing unnoticed"


@pytest.mark.parametrize(("side", "decision"), WAYS)
def test_killed_at_any_message_the_same_command_finishes(side, decision, world, killed_at, proxied, table):
    """SIGKILL at every message; nothing is lost or doubled, and what is redone is at most the batch under way."""
    for point in (point for point in world.points if point.side == side):
        ended = killed_at(point, decision, ingest, world.path, proxied.dsn)
        assert (point.id, ended) == (point.id, -signal.SIGKILL)
        kept = len(table())
        result, seen = world.finish()
        assert (point.id, seen) == (point.id, world.expected)
        assert (point.id, result.resumed_from) >= (point.id, kept)


def test_killed_again_and_again_it_still_finishes(killed_at, proxied, world):
    """Restarts are killed as well, at messages drawn at random, and in the end nothing is missing or doubled."""
    draw = random.Random(20)
    for _ in range(5):
        for _ in range(4):
            killed_at(draw.choice(world.points), "drop", ingest, world.path, proxied.dsn)
        _, seen = world.finish()
        assert seen == world.expected


def test_the_checker_catches_data_and_position_committed_apart(database, proxied, points, rows, tmp_path):
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
    naive(proxied.dsn)
    rows("truncate plain")
    broken = []
    for point in points():
        with (
            proxied.at(point.message, side=point.side, nth=point.nth).cut(),
            contextlib.suppress(psycopg2.Error),
        ):
            naive(proxied.dsn)
        naive(database)
        if rows("select count(*) from plain") != [(len(lines),)]:
            broken.append(point.id)
        rows("truncate plain")
    assert broken == ["COMMIT-1-reply", "COMMIT-2-reply", "COMMIT-3-reply"]
