"""Item 3 on small jobs: each mistake with transactions is found by a fault at one statement, and sound ones pass."""

from __future__ import annotations

import pytest
from small_jobs import Job, said

from pytest_resilience.checklist.experiments.transactions import databases

LOAD = """
    import contextlib, os, sys, psycopg2

    MODE = sys.argv[1]

    def connect():
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        connection.autocommit = MODE == "autocommit"
        return connection

    def execute(cursor, sql):
        try:
            cursor.execute(sql)
        except psycopg2.errors.SerializationFailure:
            if MODE != "alone":
                raise
            cursor.connection.rollback()
            cursor.execute(sql)

    def unit(connection, numbers):
        whole = contextlib.nullcontext() if MODE == "autocommit" else connection
        with whole, connection.cursor() as cursor:
            for n in numbers:
                execute(cursor, f"insert into rows values ({n})")
            execute(cursor, f"update position set done = {numbers[-1] + 1}")

    def position(connection):
        with connection, connection.cursor() as cursor:
            cursor.execute("select done from position")
            return cursor.fetchone()[0]

    def by_position():
        connection = connect()
        while (done := position(connection)) < 4:
            unit(connection, range(done, done + 2))

    def blindly():
        for start in (0, 2):
            trying(lambda: unit(connect(), range(start, start + 2)))

    def forgetfully():
        for start in (0, 2):
            try:
                by_batch(start)
            except SystemExit:
                print(f"batch {start} was not loaded", file=sys.stderr)

    def by_batch(start):
        trying(lambda: start < position(connection := connect()) or unit(connection, range(start, start + 2)))

    def at_once():
        unit(connect(), range(4))

    def single():
        with connect() as connection, connection.cursor() as cursor:
            cursor.execute("insert into rows select generate_series(0, 3)")

    def reads():
        position(connect())

    def trying(work, times=3):
        for left in reversed(range(times)):
            try:
                return work()
            except psycopg2.Error as error:
                print(error, file=sys.stderr)
                if not left:
                    sys.exit(1)

    ways = {"blindly": blindly, "forgetful": forgetfully, "once": at_once, "autocommit": at_once}
    ways |= {"single": single, "reads": reads}
    trying(ways.get(MODE, by_position), times=1 if MODE in {"once", "autocommit"} else 3)
"""
RERUN = 'resume = "rerun"'


@pytest.fixture
def job(pool, tmp_path):
    """Make a job that does one thing wrong."""
    return lambda mode, more=RERUN, **how: Job(pool, tmp_path, LOAD, mode=mode, more=more, **how)


@pytest.mark.parametrize(
    "probe",
    ["INSERT-3-request-cut", "UPDATE-2-request-error", "COMMIT-2-reply-lost-reply", "INSERT-3-reply-kill"],
)
def test_whole_units_pass(job, probe) -> None:
    """Position and rows in one transaction, begun by reading the position."""
    with job("sound") as sound:
        result = sound.probe(probe).run()

    assert said(result) == ("passed", {("transactions", "passed")}), result.why


@pytest.mark.parametrize(
    ("mode", "more", "probe", "why"),
    [
        ("autocommit", "", "INSERT-3-request-cut", "neither as before nor as after"),
        ("alone", RERUN, "UPDATE-1-request-error", "success was reported, but"),
        ("blindly", RERUN, "COMMIT-1-reply-lost-reply", "2 rows doubled"),
        ("once", "", "INSERT-3-request-error", "serialization failure"),
    ],
)
def test_mistakes_fail(job, mode, more, probe, why) -> None:
    """Half of it done; a statement tried again alone; a unit tried again blindly; never tried again."""
    with job(mode, more) as fragile:
        result = fragile.probe(probe).run()

    assert said(result) == ("failed", {("transactions", "failed")})
    assert why in result.why
    assert result.evidence[0].fix
    assert (
        result.evidence[0].replay
        == f'pytest --chaos --checklist "resilience::transactions::load::warehouse::{probe}"'
    )


def test_all_or_nothing_is_right_where_nobody_starts_it_again(job) -> None:
    """A cut is survived, and so is a serialization failure where the checklist is not asked for."""
    with job("once", "") as once:
        cut = once.probe("INSERT-3-request-cut").run()
        error = once.probe("INSERT-3-request-error", strict=False).run()

    assert said(cut) == ("passed", {("transactions", "passed")})
    assert error.outcome == "passed"


@pytest.mark.parametrize(("mode", "tag"), [("single", "INSERT"), ("reads", "SELECT")])
def test_one_statement_is_not_asked_for_a_transaction(job, mode, tag) -> None:
    """What single faults show of it stands under calls."""
    with job(mode) as one:
        (result,) = [each.run() for each in one.experiments(databases).values()]

        assert said(result) == ("not-applicable", {("transactions", "not-applicable")})
        assert one.probe(f"{tag}-1-request-cut").item == "external-calls"


def test_a_batch_that_is_given_up_has_to_be_told(job) -> None:
    """Retries that outlast each single fault hide it: a lasting outage shows that the loss ends with status 0."""
    with job("forgetful") as forgetful:
        passing = forgetful.probe("INSERT-3-request-cut").run()
        (result,) = [each.run() for each in forgetful.experiments(databases).values()]

    assert passing.outcome == "passed", passing.why
    assert said(result) == ("failed", {("transactions", "failed")})
    assert "lost for good in the middle of the work: success was reported, but" in result.why
    assert "status other than 0" in result.evidence[0].fix
    assert "transactions::load::warehouse::lost-for-good" in result.evidence[0].replay


@pytest.mark.parametrize(("mode", "more"), [("sound", RERUN), ("once", "")])
def test_what_ends_with_an_error_and_goes_on_later_passes(job, mode, more) -> None:
    """Batches that are there stay, and the start after the outage adds the others; or nothing was done at all."""
    with job(mode, more) as sound:
        (result,) = [each.run() for each in sound.experiments(databases).values()]

    assert said(result) == ("passed", {("transactions", "passed")}), result.why


def test_a_workload_without_a_database_is_not_asked(pool, tmp_path) -> None:
    """There is nothing to commit."""
    code = "import os, urllib.request; urllib.request.urlopen(os.environ['LABS_URL'] + '/x').close()"
    with Job(pool, tmp_path, code, uses='["labs"]') as asks:
        (result,) = [each.run() for each in asks.experiments(databases).values()]

    assert (result.outcome, "no database" in result.why) == ("not-applicable", True)
