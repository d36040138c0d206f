"""A statement that must always be true is looked at while others write."""

from __future__ import annotations

import contextlib
import itertools

import psycopg2
import pytest

from pytest_resilience.chaos.state.atomic import AtomicWatch, check_atomic
from pytest_resilience.errors import HarnessError

EQUAL = "select (select count(*) from ledger) = (select count(*) from batches)"
TABLES = "create table ledger (n int); create table batches (n int);"


@pytest.fixture
def writer(database):
    """A connection of the workload's own."""
    with contextlib.closing(psycopg2.connect(database)) as connection:
        yield connection


def ticks():
    """Return a clock that goes on by one with each look."""
    return map(float, itertools.count()).__next__


def test_torn_write_is_seen(database, writer):
    """A commit between two writes that belong together is a violation, said once a stretch, with its time."""
    with writer.cursor() as cursor, AtomicWatch(database, [EQUAL], now=ticks()) as watch:
        cursor.execute(TABLES)
        writer.commit()
        watch.look()
        for statement in ("insert into ledger values (1)", "insert into batches values (1)"):
            cursor.execute(statement)
            writer.commit()
            watch.look()

    assert (len(watch.watched[0].broken_at), len(watch.words)) == (1, 1)


def test_whole_write_is_fine(database, writer):
    """Two writes in one transaction are never seen apart."""
    with writer.cursor() as cursor, AtomicWatch(database, [EQUAL], now=ticks()) as watch:
        cursor.execute(TABLES)
        writer.commit()
        cursor.execute("insert into ledger values (1)")
        watch.look()
        cursor.execute("insert into batches values (1)")
        writer.commit()
        watch.look()

    assert watch.words == ()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select true", ()),
        ("select 1 = 2", ("not true at 0.000 s: select 1 = 2",)),
        ("select null::boolean", ("never seen true, its answer was always null: select null::boolean",)),
        (
            "select count(*) = 0 from never",
            ('never seen true, relation "never" does not exist: select count(*) = 0 from never',),
        ),
    ],
)
def test_single_look(database, sql, words):
    """What is false is said, and so is what never had an answer."""
    said = check_atomic(database, [sql])

    assert [word.replace("\n", " ") for word in said] == [
        word.replace("relation", "relation") for word in words
    ]


@pytest.mark.parametrize(
    ("sql", "why"),
    [("selec 1", "syntax error"), ("select 1, 2", "has one cell"), ("set a.b = 1", "one cell")],
)
def test_wrong_statement_is_refused(database, sql, why):
    """A statement that cannot be judged is an error, not a pass."""
    with AtomicWatch(database, [sql], now=ticks()) as watch, contextlib.suppress(HarnessError):
        watch.look()
    with pytest.raises(HarnessError, match=why):
        _ = watch.words
