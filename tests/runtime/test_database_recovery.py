"""Reconnecting: proven by an answer, bounded in tries and time, and nothing is left open."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from pytest_resilience import FatalError, recover_database_connection
from pytest_resilience.testing import FakeClock


def keywords_of(dsn):
    """Return a connection string as psycopg2's keywords."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    return {
        "host": query["host"][0],
        "port": int(query["port"][0]),
        "dbname": parts.path.strip("/"),
        "user": unquote(parts.username),
        "password": unquote(parts.password),
    }


FORMS = {
    "keywords": keywords_of,
    "dsn": lambda dsn: {"dsn": dsn},
    "url": lambda dsn: {"url": dsn.replace("://", "+psycopg2://")},
    "keyword string": lambda dsn: {
        "dsn": " ".join(f"{key}={value}" for key, value in keywords_of(dsn).items())
    },
    "other names": lambda dsn: {
        {"dbname": "database", "user": "username"}.get(key, key): value
        for key, value in keywords_of(dsn).items()
    },
    "None is no setting": lambda dsn: keywords_of(dsn) | {"sslmode": None},
}


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_proves_the_connection(form, database):
    """Whichever way the configuration says where the database is."""
    clock = FakeClock()

    assert recover_database_connection(FORMS[form](database), clock=clock) is True
    assert clock.sleeps == []


@pytest.fixture
def closed_port():
    """A port on which nothing listens, kept from others."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(("tries", "delays"), [(1, []), (2, [1]), (3, [1, 2]), (5, [1, 2, 4, 8])])
def test_tries_are_bounded_and_the_last_is_not_waited_after(tries, delays, closed_port):
    """So many tries, 1, 2, 4 … seconds apart."""
    clock = FakeClock()
    config = {"host": "127.0.0.1", "port": closed_port, "dbname": "x", "user": "x"}

    assert recover_database_connection(config, max_retries=tries, clock=clock) is False
    assert clock.sleeps == delays


def test_three_tries_by_default(closed_port):
    """The policy's own number."""
    clock = FakeClock()

    recover_database_connection({"host": "127.0.0.1", "port": closed_port, "user": "x"}, clock=clock)

    assert clock.sleeps == [1, 2]


def test_it_is_back_at_the_second_try(proxied):
    """A server that comes up between two tries is found."""

    class Clock(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            down.heal()

    clock = Clock()
    with proxied.down() as down:
        assert recover_database_connection({"dsn": proxied.dsn}, clock=clock) is True
    assert clock.sleeps == [1]


def test_a_server_that_accepts_and_says_nothing_is_not_back():
    """Connecting is no proof, and waiting for the greeting has an end."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        config = {"host": "127.0.0.1", "port": mute.getsockname()[1], "user": "x", "dbname": "x"}
        assert recover_database_connection(config, 1, timeout=0.2) is False


def test_a_server_that_does_not_answer_the_question_is_not_back(proxied):
    """A connection that was made, and on which SELECT 1 is lost, is no proof either."""
    with proxied.at("SELECT").hang():
        assert recover_database_connection({"dsn": proxied.dsn}, 1, timeout=0.5) is False


@pytest.mark.parametrize("change", [{"password": "wrong-secret"}, {"dbname": "nowhere"}, {"nonsense": 1}])
def test_what_will_be_refused_again_is_not_tried_again(change, database, caplog):
    """Wrong credentials, database and settings end at the first try, and no secret is logged."""
    caplog.set_level(logging.DEBUG)
    clock = FakeClock()

    assert recover_database_connection(keywords_of(database) | change, clock=clock) is False
    assert clock.sleeps == []
    assert keywords_of(database)["password"] not in caplog.text
    assert "wrong-secret" not in caplog.text


@pytest.mark.parametrize("config", [None, "postgresql://x", 5, [("host", "x")]])
def test_a_configuration_is_a_mapping(config):
    """Anything else is refused with its type."""
    with pytest.raises(FatalError, match=type(config).__name__):
        recover_database_connection(config)


@pytest.mark.parametrize("tries", [0, -1, True, 1.5, "3"])
def test_tries_must_make_sense(tries):
    """The value is in the message."""
    with pytest.raises(FatalError, match=repr(tries)):
        recover_database_connection({}, tries)


def open_files():
    """Return how many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_open(database, proxied, closed_port, rows):
    """After successes and failures there is no connection and no descriptor that was not there before."""
    before = open_files()
    with proxied.at("SELECT", side="reply", times=None).cut():
        for config in ({"dsn": database}, {"host": "127.0.0.1", "port": closed_port}, {"dsn": proxied.dsn}):
            recover_database_connection(config, 2, clock=FakeClock())
    while rows("select count(*) from pg_stat_activity where backend_type = 'client backend'") != [(1,)]:
        pass
    while open_files() > before:
        pass
