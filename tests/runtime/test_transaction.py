"""Transactions: all or nothing, said in one word, and the connection is clean afterwards."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import select
import signal
import sqlite3
import threading

import psycopg
import psycopg.sql
import psycopg2
import psycopg2.sql
import pytest
import sqlalchemy
from psycopg2 import extensions
from sqlalchemy.orm import Session

from pytest_resilience import (
    CommitMarker,
    DeadlineExceededError,
    FatalError,
    execute_with_rollback,
    run_in_transaction,
)
from pytest_resilience.runtime.deadline import Deadline

ADD = "insert into stays (stay_id, unit) values (%s, %s)"


@pytest.fixture
def stays(rows):
    """A table with a unique key; returns what is in it."""
    rows("create table stays (stay_id int primary key, unit text)")
    return lambda: rows("select stay_id, unit from stays order by 1")


def open_psycopg2(dsn):
    """Connect by psycopg2."""
    return psycopg2.connect(dsn)


def open_psycopg3(dsn):
    """Connect by psycopg 3."""
    return psycopg.connect(dsn)


def open_sqlalchemy(dsn):
    """Connect by SQLAlchemy."""
    engine = sqlalchemy.create_engine(dsn.replace("://", "+psycopg2://"), poolclass=sqlalchemy.NullPool)
    return engine.connect()


def open_sqlalchemy_autocommit(dsn):
    """Connect by SQLAlchemy, with isolation level AUTOCOMMIT."""
    return open_sqlalchemy(dsn).execution_options(isolation_level="AUTOCOMMIT")


def open_autocommit(opener):
    """Return a function that connects, and switches autocommit on."""

    def opened(dsn):
        connection = opener(dsn)
        connection.autocommit = True
        return connection

    return opened


OPENERS = {
    "psycopg2": open_psycopg2,
    "psycopg2 autocommit": open_autocommit(open_psycopg2),
    "psycopg 3": open_psycopg3,
    "psycopg 3 autocommit": open_autocommit(open_psycopg3),
    "sqlalchemy": open_sqlalchemy,
    "sqlalchemy autocommit": open_sqlalchemy_autocommit,
}


@pytest.fixture(params=OPENERS)
def any_connection(request, database):
    """A connection of each kind."""
    with contextlib.closing(OPENERS[request.param](database)) as opened:
        yield opened


def is_idle(connection):
    """Tell whether the server and the driver agree that no transaction is open."""
    raw = getattr(connection, "connection", connection)
    raw = getattr(raw, "driver_connection", raw)
    in_sqlalchemy = getattr(connection, "in_transaction", bool)()
    return raw.info.transaction_status == 0 and not in_sqlalchemy


def test_all_operations_are_committed(any_connection, stays):
    """Strings and pairs run in order; the outcome is true and the connection idle."""
    outcome = execute_with_rollback(
        any_connection, ["insert into stays values (1, 'MICU')", (ADD, (2, "SICU")), [ADD, (3, None)]]
    )

    assert outcome
    assert (outcome.status, outcome.error, outcome.attempts) == ("committed", None, 1)
    assert stays() == [(1, "MICU"), (2, "SICU"), (3, None)]
    assert is_idle(any_connection)


@pytest.mark.parametrize("position", [1, 2, 3])
def test_on_any_error_nothing_is_left(any_connection, stays, position):
    """Wherever it fails, the table is as before, the outcome false, and the connection idle and usable."""
    operations = [(ADD, (n, "MICU")) for n in (1, 2)]
    operations.insert(position - 1, "insert into nowhere values (1)")

    outcome = execute_with_rollback(any_connection, operations)

    assert not outcome
    assert outcome.status == "rolled_back"
    assert "nowhere" in str(outcome.error)
    assert stays() == []
    assert is_idle(any_connection)
    assert execute_with_rollback(any_connection, [(ADD, (9, "CCU"))])
    assert stays() == [(9, "CCU")]


@pytest.mark.parametrize("autocommit", [True, False])
def test_the_callers_autocommit_is_left_alone(connection, stays, autocommit):
    """Whichever mode the connection came in, it goes back in it, after success and after failure."""
    connection.autocommit = autocommit

    execute_with_rollback(connection, [(ADD, (1, "MICU"))])
    execute_with_rollback(connection, ["nonsense"])

    assert autocommit == connection.autocommit


def test_an_error_that_only_commit_finds_is_a_rollback(connection, rows):
    """A deferred constraint fails at COMMIT; the connection lives, so the answer is sure."""
    rows("create table stays (stay_id int unique deferrable initially deferred)")

    outcome = execute_with_rollback(
        connection, ["insert into stays values (1)", "insert into stays values (1)"]
    )

    assert (outcome.status, outcome.error.pgcode) == ("rolled_back", "23505")
    assert is_idle(connection)


def test_ddl_is_rolled_back_too(any_connection, rows):
    """CREATE TABLE before a failure leaves no table."""
    execute_with_rollback(any_connection, ["create table half (a int)", "nonsense"])

    assert rows("select to_regclass('half')") == [(None,)]


@pytest.mark.parametrize(
    "operation",
    [
        "COMMIT", "commit;", " end", "ROLLBACK", "begin", "start transaction", "abort",
        "prepare transaction 'x'",
        "insert into stays values (5, 'a'); commit; insert into stays values (6, 'b')",
        "/* note */ commit", "-- note\ncommit", "select 'it''s'; commit", r"select 'a\'; commit",
        "select $$;$$; rollback", 'select 1 as "a;b"; end', "", "   ", None, (), ("a", 1, 2),
    ],
)  # fmt: skip
def test_an_operation_that_is_not_all_or_nothing_is_refused(operation):
    """It is refused before the first one runs, and reported like any failure."""
    ran = []
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.set_trace_callback(ran.append)
        outcome = execute_with_rollback(connection, ["create table t (a)", operation])

    assert not outcome
    assert isinstance(outcome.error, FatalError)
    assert "operation 2 of 2" in str(outcome.error)
    assert [statement.strip() for statement in ran] == ["BEGIN", "ROLLBACK"]


@pytest.mark.parametrize(
    "operation",
    [
        "savepoint a; insert into stays values (5, 'x'); rollback to a",
        "rollback work to savepoint a",
        "insert into stays values (7, '; commit;')",
        "insert into stays values (7, E'\\'; commit')",
        "do $$ begin perform 1; end $$",
        "create function f() returns int language sql begin atomic select 1; select 2; end",
        'create table "begin" (a int)',
        "select 1 /* ; commit */",
    ],
)
def test_an_operation_that_only_looks_so_is_allowed(connection, stays, operation):
    """Savepoints, function bodies, strings, names and comments may hold those words."""
    assert execute_with_rollback(connection, ["savepoint a", operation])


@pytest.mark.parametrize("operations", ["insert into stays values (1, 'a')", b"x", {"a": 1}, 5, None])
def test_what_is_no_list_of_operations_is_refused(connection, operations):
    """A single string would be run letter by letter."""
    with pytest.raises(FatalError, match="must be a list"):
        execute_with_rollback(connection, operations)


@pytest.mark.parametrize("nothing", [None, "postgresql://", object()])
def test_what_is_no_connection_is_refused(nothing):
    """The message says what was given."""
    with pytest.raises(FatalError, match=type(nothing).__name__):
        execute_with_rollback(nothing, [])


def test_no_operations_are_committed_at_once(connection):
    """Doing nothing succeeds."""
    assert execute_with_rollback(connection, [])


def test_a_generator_is_read_once(connection, stays):
    """Operations may come from a generator, and are still all there when the unit is run again."""
    assert execute_with_rollback(connection, ((ADD, (n, "MICU")) for n in range(3)))
    assert len(stays()) == 3


def test_no_data_reaches_the_log(connection, stays, caplog):
    """Statement shapes, SQLSTATE and positions are logged; literals, parameters and DETAIL are not."""
    caplog.set_level(logging.DEBUG)
    execute_with_rollback(connection, [(ADD, (4711, "Jane Roe"))])
    execute_with_rollback(connection, ["insert into stays values (4711, 'Jane Roe')"])
    execute_with_rollback(connection, [("insert into stays values (%s, 'Jane Roe')", (4711,))])
    execute_with_rollback(connection, ["insert into stays values (4712, E'Jane\\' Roe', 'Jane Roe"])
    execute_with_rollback(connection, ["insert into stays values ('Jane Roe', $x$Jane Roe$x$)"])

    assert "23505" in caplog.text
    assert "insert into stays values (?, ?)" in caplog.text
    assert "Jane" not in caplog.text
    assert "471" not in caplog.text


def test_a_closed_connection_is_a_rollback(connection):
    """Nothing was done, and that is certain."""
    connection.close()

    assert execute_with_rollback(connection, ["select 1"]).status == "rolled_back"


def test_a_connection_lost_before_commit_is_a_rollback(proxied, stays):
    """What never heard COMMIT is never committed."""
    with (
        contextlib.closing(psycopg2.connect(proxied.dsn)) as connection,
        proxied.at("INSERT", side="reply", nth=2).cut(),
    ):
        outcome = execute_with_rollback(connection, [(ADD, (n, "MICU")) for n in (1, 2, 3)])

    assert outcome.status == "rolled_back"
    assert stays() == []


@pytest.mark.parametrize("opener", ["psycopg2", "psycopg2 autocommit", "psycopg 3", "sqlalchemy"])
@pytest.mark.parametrize("side", ["request", "reply"])
def test_a_connection_lost_during_commit_is_unknown(proxied, stays, opener, side):
    """Whether COMMIT arrived cannot be told from here, so nothing is claimed, and the outcome is not true."""
    with (
        contextlib.closing(OPENERS[opener](proxied.dsn)) as connection,
        proxied.at("COMMIT", side=side).cut(),
    ):
        outcome = execute_with_rollback(connection, [(ADD, (1, "MICU"))])

    assert not outcome
    assert outcome.status == "unknown"
    assert [(1, "MICU")][: side == "reply"] == stays()


@pytest.mark.parametrize(("side", "status"), [("request", "rolled_back"), ("reply", "committed")])
def test_a_marker_tells_how_a_lost_commit_ended(database, proxied, stays, side, status):
    """With a marker and a way to reconnect, a lost answer is found out, either way."""
    marker = CommitMarker(name="unit-7", reconnect=lambda: psycopg2.connect(database))
    with (
        contextlib.closing(psycopg2.connect(proxied.dsn)) as connection,
        proxied.at("COMMIT", side=side).cut(),
    ):
        outcome = execute_with_rollback(connection, [(ADD, (1, "MICU"))], marker=marker)

    assert status == outcome.status
    assert (status == "committed") == bool(outcome)
    assert [(1, "MICU")][: status == "committed"] == stays()


def test_a_marker_makes_a_second_run_do_nothing(connection, stays):
    """A unit that was committed is not done twice, and says so."""
    marker = CommitMarker(name="unit-7")
    first = execute_with_rollback(connection, [(ADD, (1, "MICU"))], marker=marker)
    second = execute_with_rollback(connection, [(ADD, (1, "MICU"))], marker=marker)

    assert (first.committed, first.repeated) == (True, False)
    assert (second.committed, second.repeated) == (True, True)
    assert is_idle(connection)


def test_a_unit_that_failed_leaves_no_marker(connection, stays):
    """After a rollback the same unit can still be done."""
    marker = CommitMarker(name="unit-7", table="public.done")
    assert not execute_with_rollback(connection, ["nonsense"], marker=marker)
    outcome = execute_with_rollback(connection, [(ADD, (1, "MICU"))], marker=marker)

    assert (outcome.committed, outcome.repeated) == (True, False)


def test_the_look_up_waits_for_a_commit_that_is_still_under_way(database, rows):
    """A marker in an open transaction is neither there nor not: the answer comes when that one has ended."""
    marker = CommitMarker(name="unit-7", reconnect=lambda: psycopg2.connect(database))
    with contextlib.closing(psycopg2.connect(database)) as other, other.cursor() as cursor:
        assert marker.write(cursor)
        other.commit()
        cursor.execute("insert into resilience_commits (marker) values ('unit-8')")
        waiting = CommitMarker(name="unit-8", reconnect=marker.reconnect)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(waiting.is_there()))
        thread.start()
        while not rows("select 1 from pg_locks where not granted"):
            assert thread.is_alive()
        other.commit()
        thread.join()

    assert answers == [True]


@pytest.mark.parametrize("table", ["a b", "a;b", "a.b.c", '"x"', "", "1a"])
def test_a_marker_table_is_a_plain_name(connection, table):
    """Names are not a way to smuggle SQL in."""
    outcome = execute_with_rollback(connection, [], marker=CommitMarker(name="unit", table=table))

    assert isinstance(outcome.error, FatalError)


def two_deadlocking_units(database):
    """Run two units that lock two rows in opposite order at the same time."""
    barrier = threading.Barrier(2)
    outcomes = []

    def work(first, second):
        met = []

        def unit(cursor):
            cursor.execute("set local deadlock_timeout = '10ms'")
            cursor.execute("update stays set unit = unit || 'x' where stay_id = %s", (first,))
            if not met:
                met.append(barrier.wait(30))
            cursor.execute("update stays set unit = unit || 'x' where stay_id = %s", (second,))
            return first

        with contextlib.closing(psycopg2.connect(database)) as connection:
            outcomes.append(run_in_transaction(connection, unit, base_delay=0.01))

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_a_deadlock_re_runs_the_whole_unit(database, rows, stays):
    """The victim is run again from its first statement, and both end committed, each once."""
    rows("insert into stays values (1, ''), (2, '')")

    outcomes = two_deadlocking_units(database)

    assert [bool(outcome) for outcome in outcomes] == [True, True]
    assert sorted(outcome.attempts for outcome in outcomes) == [1, 2]
    assert sorted(outcome.result() for outcome in outcomes) == [1, 2]
    assert stays() == [(1, "xx"), (2, "xx")]


def test_a_serialization_failure_re_runs_the_whole_unit(database, rows, stays):
    """Under SERIALIZABLE a lost race is run again on fresh data, so that no update is lost."""
    rows("insert into stays values (1, '0')")
    with contextlib.closing(psycopg2.connect(database)) as connection:
        connection.set_session(isolation_level="SERIALIZABLE")
        interfered = []

        def unit(cursor):
            cursor.execute("select unit from stays where stay_id = 1")
            value = int(cursor.fetchone()[0])
            if not interfered:
                interfered.append(rows("update stays set unit = '10' where stay_id = 1"))
            cursor.execute("update stays set unit = %s where stay_id = 1", (str(value + 1),))

        outcome = run_in_transaction(connection, unit, base_delay=0.01)

    assert (outcome.committed, outcome.attempts) == (True, 2)
    assert stays() == [(1, "11")]


def test_runs_are_bounded(connection, stays):
    """A unit that fails so each time is rolled back in the end, with the last error."""
    outcome = execute_with_rollback(
        connection, ["do $$ begin raise sqlstate '40001'; end $$"], max_retries=2, base_delay=0
    )

    assert (outcome.status, outcome.attempts, outcome.error.pgcode) == ("rolled_back", 3, "40001")
    assert is_idle(connection)


def test_an_open_transaction_is_joined_and_not_run_again(connection, stays):
    """What the caller did before cannot be repeated, so it shares the fate of the unit."""
    with connection.cursor() as cursor:
        cursor.execute(ADD, (1, "before"))

    outcome = execute_with_rollback(connection, ["do $$ begin raise sqlstate '40001'; end $$"], base_delay=0)

    assert (outcome.status, outcome.attempts) == ("rolled_back", 1)
    assert stays() == []
    with connection.cursor() as cursor:
        cursor.execute(ADD, (1, "before"))
    assert execute_with_rollback(connection, [(ADD, (2, "after"))])
    assert stays() == [(1, "before"), (2, "after")]


def test_a_unit_inside_a_unit_is_refused(any_connection, stays):
    """Its COMMIT would commit half of the other, which might say then that it was rolled back."""

    def unit(cursor):
        cursor.execute("insert into stays values (1, 'MICU')")
        execute_with_rollback(any_connection, ["insert into stays values (2, 'SICU')"])

    outcome = run_in_transaction(any_connection, unit)

    assert (outcome.status, type(outcome.error)) == ("rolled_back", FatalError)
    assert "in a unit of work already" in str(outcome.error)
    assert stays() == []
    assert execute_with_rollback(any_connection, ["insert into stays values (2, 'SICU')"])


async def asynchronous(cursor):
    """Do nothing when it is called."""
    cursor.execute(ADD, (1, "MICU"))


def generated(cursor):
    """Do nothing when it is called."""
    yield cursor.execute(ADD, (1, "MICU"))


@pytest.mark.parametrize(
    "unit",
    [
        asynchronous,
        generated,
        functools.partial(asynchronous),
        lambda cursor: asynchronous(cursor=cursor),
        lambda cursor: generated(cursor=cursor),
    ],
)
def test_a_unit_that_runs_later_is_refused(connection, stays, unit):
    """It would be committed before anything of it was done."""
    with pytest.raises(TypeError, match=r"asynchronous|generator"):
        run_in_transaction(connection, unit)

    assert stays() == []


def test_a_unit_may_return_what_runs_later(connection, stays):
    """Its own work is done: what it returns has nothing to do with its cursor."""

    def unit(cursor):
        cursor.execute(ADD, (1, "MICU"))
        return (number for number in (1, 2))

    assert list(run_in_transaction(connection, unit).result()) == [1, 2]
    assert stays() == [(1, "MICU")]


@pytest.mark.parametrize("timeout", [0, -1, None, "5", float("nan")])
def test_a_time_limit_that_makes_no_sense_is_refused(connection, stays, timeout):
    """Before anything is done."""
    with pytest.raises((TypeError, ValueError), match="timeout must be"):
        execute_with_rollback(connection, [(ADD, (1, "MICU"))], timeout=timeout)

    assert stays() == []


@pytest.mark.parametrize("name", ["", " ", None, 7])
def test_a_marker_needs_a_name(name):
    """Units with an empty one would be one unit, and only the first be done."""
    with pytest.raises((TypeError, ValueError), match="marker's name"):
        CommitMarker(name=name)


def test_an_aborted_transaction_is_cleaned_up_and_reported(connection, stays):
    """A connection that came in broken goes back usable, and the outcome says that nothing was done."""
    with connection.cursor() as cursor, contextlib.suppress(psycopg2.Error):
        cursor.execute("nonsense")

    assert not execute_with_rollback(connection, [(ADD, (1, "MICU"))])
    assert is_idle(connection)


def test_a_swallowed_error_is_not_a_commit(any_connection, stays):
    """A unit that hides a failed statement is rolled back and says so: PostgreSQL's COMMIT would do nothing."""

    def unit(cursor):
        cursor.execute("insert into stays values (1, 'MICU')")
        with contextlib.suppress(Exception):
            cursor.execute("nonsense")

    outcome = run_in_transaction(any_connection, unit)

    assert outcome.status == "rolled_back"
    assert isinstance(outcome.error, FatalError)
    assert stays() == []
    assert is_idle(any_connection)


@pytest.mark.parametrize("opener", ["psycopg2", "psycopg2 autocommit", "psycopg 3", "psycopg 3 autocommit"])
@pytest.mark.parametrize("ending", ["commit", "rollback"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_unit_that_ends_its_transaction_itself_is_unknown(database, stays, opener, ending, fails):
    """Neither committed nor rolled back can be claimed, nor is it run again."""

    def work(cursor):
        cursor.execute(*(ADD, (1, "MICU")))
        cursor.execute(ending)
        if fails:
            raise psycopg2.errors.DeadlockDetected

    with contextlib.closing(OPENERS[opener](database)) as connection:
        outcome = run_in_transaction(connection, work)

    assert (outcome.status, outcome.attempts) == ("unknown", 1)
    assert "ended its transaction itself" in str(outcome.error)
    assert [(1, "MICU")][: ending == "commit"] == stays()


@pytest.mark.parametrize(
    ("opener", "statement"),
    [
        ("psycopg2", b"commit"),
        ("psycopg2", psycopg2.sql.SQL("commit")),
        ("psycopg2", psycopg2.sql.SQL("{}").format(psycopg2.sql.SQL("commit"))),
        ("psycopg 3", b"commit"),
        ("psycopg 3", psycopg.sql.SQL("commit")),
        ("sqlalchemy", sqlalchemy.text("commit")),
    ],
)
def test_a_commit_among_the_operations_is_seen_in_each_form(database, stays, opener, statement):
    """Not only in a text: what came before it would be committed, and said to be rolled back."""
    with contextlib.closing(OPENERS[opener](database)) as connection:
        outcome = execute_with_rollback(connection, [(ADD, (1, "MICU")), statement, "nonsense"])

    assert outcome.status == "rolled_back"
    assert "operation 2 of 3 was refused" in str(outcome.error)
    assert stays() == []


def test_sqlalchemys_statements_are_operations(database, stays):
    """With their own parameters."""
    statement = sqlalchemy.text("insert into stays values (:id, 'MICU')")
    with contextlib.closing(open_sqlalchemy(database)) as connection:
        outcome = execute_with_rollback(connection, [(statement, {"id": 1})])

    assert outcome, outcome.error
    assert stays() == [(1, "MICU")]


def test_a_connection_lent_by_sqlalchemys_pool_will_do(database, stays):
    """As `engine.raw_connection()` returns it."""
    engine = sqlalchemy.create_engine(database.replace("://", "+psycopg2://"), poolclass=sqlalchemy.NullPool)
    with contextlib.closing(engine.raw_connection()) as connection:
        outcome = execute_with_rollback(connection, [(ADD, (1, "MICU"))])

    assert outcome
    assert stays() == [(1, "MICU")]


def test_a_session_is_no_connection():
    """What to pass instead is said."""
    with Session() as session, pytest.raises(FatalError, match=r"sqlalchemy.*Session.*engine\.connect\(\)"):
        execute_with_rollback(session, ["select 1"])


def test_result_gives_the_value_or_raises(connection):
    """Who wants exceptions calls `result()`."""

    def unit(cursor):
        raise LookupError("no such stay")

    assert run_in_transaction(connection, lambda _cursor: 7).result() == 7
    with pytest.raises(LookupError):
        run_in_transaction(connection, unit).result()


@pytest.mark.parametrize("signal_type", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_exit_signals_leave_a_clean_connection_and_go_on(any_connection, stays, signal_type):
    """They are neither swallowed nor retried, and nothing of the unit is left."""

    def unit(cursor):
        cursor.execute("insert into stays values (1, 'MICU')")
        raise signal_type

    with pytest.raises(signal_type):
        run_in_transaction(any_connection, unit)

    assert stays() == []
    assert is_idle(any_connection)


def wait_interruptibly(connection):
    """Wait for the server so that Ctrl-C comes through, as green threads do."""
    while (state := connection.poll()) != extensions.POLL_OK:
        if state == extensions.POLL_READ:
            select.select([connection], [], [])
        else:
            select.select([], [connection], [])


def test_ctrl_c_inside_a_statement_leaves_no_open_transaction(connection, rows, stays):
    """A real SIGINT during a statement, in the mode of psycopg2 that can be interrupted, closes or cleans up."""

    def press_ctrl_c():
        while not rows(
            "select 1 from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'"
        ):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press_ctrl_c)
    extensions.set_wait_callback(wait_interruptibly)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            execute_with_rollback(connection, [(ADD, (1, "MICU")), "select pg_sleep(30)"])
    finally:
        extensions.set_wait_callback(None)
        thread.join()

    assert connection.closed or is_idle(connection)
    assert stays() == []


@pytest.mark.parametrize("opener", ["psycopg2", "psycopg 3", "sqlalchemy"])
@pytest.mark.parametrize(("message", "status"), [("INSERT", "rolled_back"), ("COMMIT", "unknown")])
def test_a_database_that_does_not_answer_is_given_up(proxied, stays, opener, message, status):
    """The connection is cut after the time-out, wherever the driver waits, and the outcome is as for a lost one."""
    with contextlib.closing(OPENERS[opener](proxied.dsn)) as connection, proxied.at(message).hang():
        outcome = execute_with_rollback(connection, [(ADD, (1, "MICU"))], timeout=0.3)

    assert outcome.status == status
    assert stays() == []


def test_a_deadline_around_the_call_counts_as_a_time_out(proxied, stays):
    """What the deadline leaves is all that a silent server gets; either of the two says so first."""
    outcomes = []
    with contextlib.closing(psycopg2.connect(proxied.dsn)) as connection, proxied.at("INSERT").hang():
        with contextlib.suppress(DeadlineExceededError), Deadline(0.3):
            outcomes.append(execute_with_rollback(connection, [(ADD, (1, "MICU"))]))
        assert connection.closed

    assert not any(outcomes)


def test_any_db_api_driver_will_do():
    """sqlite3 too, and there CREATE TABLE is part of the transaction as well."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        assert execute_with_rollback(connection, ["create table t (a)", ("insert into t values (?)", (1,))])
        assert not execute_with_rollback(connection, ["create table u (a)", "insert into t values (2)", "no"])
        assert connection.execute("select a from t").fetchall() == [(1,)]
        assert connection.execute("select name from sqlite_master").fetchall() == [("t",)]
        assert not connection.in_transaction


class SilentDriver:
    """A connection of a DB-API driver that does not tell its state, and loses COMMIT."""

    def __init__(self):
        self.calls = []

    def cursor(self):
        """Return itself: the one statement does nothing."""
        return self

    def execute(self, sql):
        """Note a statement."""
        self.calls.append(sql)

    def commit(self):
        """Lose the connection."""
        raise OSError("gone")

    def rollback(self):
        """Note it."""
        self.calls.append("rollback")

    def close(self):
        """Close cursor and connection."""


def test_a_driver_that_does_not_tell_its_state_is_not_trusted_after_a_failed_commit():
    """Whether COMMIT arrived is unknown, unless the driver can say that the connection is alive."""
    driver = SilentDriver()

    assert execute_with_rollback(driver, ["insert"]).status == "unknown"
    assert driver.calls == ["insert", "rollback"]


def test_a_closed_sqlalchemy_connection_is_a_rollback(database):
    """Nothing was done, and that is certain, also where the driver's connection is out of reach."""
    connection = open_sqlalchemy(database)
    connection.close()

    assert execute_with_rollback(connection, ["select 1"], timeout=5).status == "rolled_back"
