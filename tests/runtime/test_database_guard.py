"""The guard: work that loses its database waits, on-call hears of it when it lasts, and work goes on by itself."""

from __future__ import annotations

import contextlib
import threading

import psycopg
import psycopg2
import pytest

from pytest_resilience import DatabaseAwayError, DatabaseGuard, FatalError, RetryableError
from pytest_resilience.events import DatabaseLost, DatabaseRecovered, OperationsPaused
from pytest_resilience.testing import FakeClock


class World:
    """A database that can be taken down, and comes back when enough time has been slept away."""

    def __init__(self, proxied, **settings):
        self._service = proxied.proxied
        self.dsn = proxied.dsn
        self.back_after = None
        self.alerts = []
        self.events = []
        self.clock = FakeClock()
        self.clock.sleep = self._sleep
        self.guard = DatabaseGuard(
            {"dsn": self.dsn},
            alert=lambda *alert: self.alerts.append(alert),
            clock=self.clock,
            listeners=(self.events.append,),
            **settings,
        )

    def _sleep(self, seconds):
        self.clock.sleeps.append(seconds)
        self.clock.advance(seconds)
        if self.back_after is not None and sum(self.clock.sleeps) >= self.back_after:
            self.back_after = None
            self._service.open()

    def down(self, seconds):
        """Take the database away for so long."""
        self.clock.sleeps.clear()
        if self.back_after is None:
            self._service.close()
        self.back_after = seconds

    def ask(self):
        """Ask the database something, on a connection of its own."""
        with (
            contextlib.closing(psycopg2.connect(self.dsn)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("select 42")
            return cursor.fetchone()

    def kinds(self):
        """Return the kinds of events, but for those of single tries."""
        ours = (DatabaseLost, DatabaseRecovered, OperationsPaused)
        return [type(event) for event in self.events if isinstance(event, ours)]


@pytest.fixture
def world(proxied):
    """A guarded database."""
    return World(proxied)


def test_while_all_is_well_it_only_calls(world):
    """Result, arguments and exceptions pass through; nothing sleeps."""
    assert world.guard.call(world.ask) == (42,)
    assert world.guard.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        world.guard.call(divmod, 7, 0)
    assert world.clock.sleeps == []


def test_a_short_loss_is_recovered_from_without_an_alert(world):
    """Wait 5 s, reconnect, call again."""
    world.down(5)

    assert world.guard.call(world.ask) == (42,)
    assert world.clock.sleeps == [5]
    assert world.alerts == []
    assert world.kinds() == [DatabaseLost, DatabaseRecovered]


def test_three_tries_then_on_call_is_alerted_and_work_waits(world):
    """5 s, tries 1 and 2 s apart, an alert CRITICAL/database, then a try now and then until it is back."""
    world.down(60)

    assert world.guard.call(world.ask) == (42,)
    assert world.clock.sleeps == [5, 1, 2, 15, 15, 15, 15]
    assert [(severity, component) for severity, component, _ in world.alerts] == [("CRITICAL", "database")]
    assert world.kinds() == [DatabaseLost, OperationsPaused, DatabaseRecovered]
    assert not world.guard.paused


def test_a_wrapped_loss_counts(world):
    """What another layer made of the driver's error is looked behind."""
    calls = []

    def ingest():
        calls.append(1)
        if len(calls) > 1:
            return "done"
        try:
            return world.ask()
        except psycopg2.OperationalError as error:
            raise RetryableError("ingestion stopped") from error

    world.down(5)

    assert world.guard.call(ingest) == "done"


@pytest.mark.parametrize("sql", ["nonsense", "select 1/0", "do $$ begin raise sqlstate '40001'; end $$"])
def test_other_database_errors_are_not_a_loss(world, sql):
    """A statement that fails on a live connection is its caller's matter."""

    def work():
        with (
            contextlib.closing(psycopg2.connect(world.dsn)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)

    with pytest.raises(psycopg2.Error):
        world.guard.call(work)
    assert world.kinds() == []


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"dbname": "nowhere"}, {"user": "nobody"}])
@pytest.mark.parametrize("driver", [psycopg2, psycopg])
def test_a_server_that_refuses_who_comes_is_not_lost(world, change, driver):
    """Nothing gets better by waiting, though the drivers tell neither of it by an SQLSTATE."""

    def work():
        driver.connect(world.dsn, **change)

    with pytest.raises(driver.OperationalError):
        world.guard.call(work)
    assert world.kinds() == []
    assert world.clock.sleeps == []


def test_one_recovers_and_the_others_wait(world):
    """Ten threads lose the database together: it is waited for once, and all go on."""
    together = threading.Barrier(10)
    met = threading.local()
    answers = []

    def work():
        if not hasattr(met, "once"):
            met.once = together.wait(60)
        return world.ask()

    threads = [threading.Thread(target=lambda: answers.append(world.guard.call(work))) for _ in range(10)]
    world.down(60)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [(42,)] * 10
    assert world.kinds() == [DatabaseLost, OperationsPaused, DatabaseRecovered]
    assert len(world.alerts) == 1


def test_new_work_waits_while_it_is_paused(world):
    """A call that begins during the pause is not even made before the database is back."""
    begun = []

    def sleep(seconds):
        if world.guard.paused and not others:
            thread = threading.Thread(
                target=world.guard.call, args=(lambda: begun.append(world.guard.paused),)
            )
            thread.start()
            others.append(thread)
        original(seconds)

    others, original = [], world.clock.sleep
    world.clock.sleep = sleep
    world.down(60)

    world.guard.call(world.ask)
    others[0].join()

    assert begun == [False]


def test_a_database_that_keeps_going_away_needs_a_person(proxied):
    """After so many losses in a while it is not reconnected again: on-call is paged once, and calls fail."""
    world = World(proxied, max_losses=2, window=600)
    for _ in range(2):
        world.down(5)
        world.guard.call(world.ask)

    for _ in range(2):
        world.down(5)
        with pytest.raises(FatalError, match=r"lost \d times within 600 s"):
            world.guard.call(world.ask)
        world._sleep(5)

    assert [(severity, component) for severity, component, _ in world.alerts] == [("CRITICAL", "database")]


def test_a_database_that_breaks_again_and_again_is_waited_for_longer(world):
    """Each loss in the window doubles the wait before the first try."""
    waits = []
    for _ in range(3):
        world.down(5)
        world.guard.call(world.ask)
        waits.append(world.clock.sleeps[0])

    assert waits == [5, 10, 20]


def test_a_pause_has_an_end_for_all_who_wait(proxied):
    """After `max_pause` the call fails, and so do those that waited for it; the next one begins anew."""
    world = World(proxied, max_pause=20)
    failures, others = [], []

    def sleep(seconds):
        if world.guard.paused and not others:
            others.append(threading.Thread(target=wait))
            others[0].start()
            while not world.guard._changed._waiters:
                assert others[0].is_alive()
        original(seconds)

    def wait():
        try:
            world.guard.call(world.ask)
        except DatabaseAwayError as error:
            failures.append(error)

    original, world.clock.sleep = world.clock.sleep, sleep
    world.down(1_000)
    with pytest.raises(DatabaseAwayError, match="within 20 s after on-call was alerted"):
        world.guard.call(world.ask)
    others[0].join()

    assert world.clock.sleeps == [5, 1, 2, 15, 5]
    assert len(failures) == 1
    assert len(world.alerts) == 1
    world.down(5)
    assert world.guard.call(world.ask) == (42,)


def test_on_call_hears_that_it_is_over(proxied):
    """What was paged is resolved when the database is back; what passed by itself had nothing to resolve."""
    resolved = []
    world = World(proxied, resolve=lambda *what: resolved.append(what))
    world.down(5)
    world.guard.call(world.ask)
    assert resolved == []

    world.down(60)
    world.guard.call(world.ask)

    assert resolved == [("CRITICAL", "database")]


def test_losses_long_ago_are_forgiven(proxied):
    """The window slides."""
    world = World(proxied, max_losses=1, window=600)
    for _ in range(3):
        world.down(5)
        assert world.guard.call(world.ask) == (42,)
        world.clock.advance(600)


def test_a_broken_alert_does_not_end_the_recovery(world):
    """Who cannot be told is not told, and that is logged; work goes on all the same."""

    def alert(*_alert):
        raise OSError("pager down")

    world.guard._alert = alert
    world.down(60)

    assert world.guard.call(world.ask) == (42,)


def test_ctrl_c_during_a_recovery_frees_the_others(world):
    """The leader goes, the next who notices the loss leads."""

    def interrupted(_seconds):
        world.clock.sleep = original
        raise KeyboardInterrupt

    original = world.clock.sleep
    world.clock.sleep = interrupted
    world.down(5)
    with pytest.raises(KeyboardInterrupt):
        world.guard.call(world.ask)

    assert world.guard.call(world.ask) == (42,)


@pytest.mark.parametrize(
    "settings",
    [
        {"wait": -1},
        {"max_retries": 0},
        {"probe_every": float("nan")},
        {"max_pause": -1},
        {"max_losses": 0},
        {"window": "x"},
    ],
)
def test_settings_must_make_sense(settings):
    """The name is in the message."""
    with pytest.raises((ValueError, TypeError), match=next(iter(settings))):
        DatabaseGuard({}, **settings)


async def later():
    """Do nothing when it is called."""


def one_by_one():
    """Do nothing when it is called."""
    yield


@pytest.mark.parametrize("func", [later, one_by_one])
def test_what_runs_after_the_call_is_refused(func):
    """The guard would not see it lose the database."""
    with pytest.raises(TypeError, match=r"asynchronous|generator"):
        DatabaseGuard({"dsn": "postgresql://nowhere"}).call(func)
