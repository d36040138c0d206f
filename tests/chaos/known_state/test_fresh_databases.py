"""Who gives a database back does not wait for a drop that lasts, and hears of one that failed."""

from __future__ import annotations

import threading

import pytest

from pytest_resilience.chaos.known_state.fresh_databases import FreshDatabases


class Server:
    """Make databases, and drop them when the sessions of others let it."""

    def __init__(self) -> None:
        self.there = []
        self.free = threading.Event()
        self.begun = threading.Semaphore(0)
        self.broken = False

    def make(self) -> str:
        """Return the name of a new database."""
        self.there.append(f"database_{len(self.there)}")
        return self.there[-1]

    def drop(self, name: str) -> None:
        """Drop one, once no session holds it up."""
        self.begun.release()
        self.free.wait()
        if self.broken:
            raise ConnectionError(f"{name} could not be dropped")
        self.there.remove(name)


@pytest.fixture
def server() -> Server:
    """A server whose sessions hold up every drop."""
    return Server()


@pytest.fixture
def databases(server: Server) -> FreshDatabases:
    """Its databases; who gives one back does not wait at all."""
    return FreshDatabases(server.make, server.drop, prompt=0)


def test_drop_that_lasts_goes_on_behind(server, databases):
    """Giving back returns before the database has gone; the end is waited for."""
    name = databases.take()
    databases.give_back(name)
    server.begun.acquire()

    assert server.there == [name]

    server.free.set()
    databases.close()
    databases.close()

    assert server.there == []


def test_prompt_drop_is_waited_for(server):
    """Where nothing holds it up, the database has gone when it has been given back."""
    server.free.set()
    databases = FreshDatabases(server.make, server.drop, prompt=60)
    databases.give_back(databases.take())

    assert server.there == []


def test_failed_drop_is_told(server):
    """A database that cannot be dropped is an error of whoever gives it back."""
    server.free.set()
    server.broken = True
    databases = FreshDatabases(server.make, server.drop, prompt=60)

    with pytest.raises(ConnectionError, match="database_0 could not be dropped"):
        databases.give_back(databases.take())


def test_drop_that_failed_behind_is_told_later(server, databases):
    """It is an error of the next who comes, here of the end."""
    databases.give_back(databases.take())
    server.broken = True
    server.free.set()

    with pytest.raises(ConnectionError, match="database_0 could not be dropped"):
        databases.close()


def test_one_that_was_made_ahead_goes_too(server, databases):
    """Nobody has taken it, and nothing is left."""
    server.free.set()
    for _ in range(2):
        databases.give_back(databases.take())
    databases.close()

    assert server.there == []
