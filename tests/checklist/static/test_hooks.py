"""Functions that a library calls inside its own calls are judged where those are made, and not as started apart."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_resilience.checklist.static import evidence

MAIN = """
def main():
    try:
        use()
    except {caught} as error:
        raise RuntimeError("the work failed") from error

main()
"""
ENGINE = """
import functools, psycopg2, requests, sqlalchemy
from sqlalchemy import event

def connect(*given):
    {body}
    return psycopg2.connect("host=x", connect_timeout=3)

{engine}

def use():
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select 1"))
"""
CREATOR = 'engine = sqlalchemy.create_engine("postgresql://", creator=connect)'
PARTIAL = 'engine = sqlalchemy.create_engine("postgresql://", creator=functools.partial(connect, "x"))'
LISTEN = 'engine = sqlalchemy.create_engine("postgresql://")\nevent.listen(engine, "do_connect", connect)'
DECORATED = """engine = sqlalchemy.create_engine("postgresql://")
@event.listens_for(engine, "do_connect")
def listener(*given):
    return connect()
"""
RETRIES = """
import backoff, requests, tenacity
from psycopg_pool import ConnectionPool

def note(*given):
    requests.post("http://x", timeout=3)

def ask():
    return requests.get("http://y", timeout=3)

{use}
"""
TENACITY = """
@tenacity.retry(stop=tenacity.stop_after_attempt(3), before_sleep=note, retry_error_callback=note)
def use():
    ask()
"""
OBJECT = """
def use():
    tenacity.Retrying(stop=tenacity.stop_after_attempt(3), before_sleep=note)(ask)
"""
LOOP = """
def use():
    for attempt in tenacity.Retrying(stop=tenacity.stop_after_attempt(3), before_sleep=note):
        with attempt:
            ask()
"""
BACKOFF = """
@backoff.on_exception(backoff.expo, requests.RequestException, max_tries=3, on_backoff=[note])
def use():
    ask()
"""
POOL = """
pool = ConnectionPool("host=x", configure=note, check=note)

def use():
    with pool.connection() as connection:
        connection.execute("select 1")
        ask()
"""


@pytest.fixture
def told(read):
    """Return what reading says of item 1, by the first word of each reason."""

    def told(app, caught="Exception"):
        report = read(app + dedent(MAIN.format(caught=caught)))
        return [
            (each.outcome, each.why)
            for each in evidence(report, "external-calls")
            if each.outcome != "passed"
        ]

    return told


@pytest.mark.parametrize("engine", [CREATOR, PARTIAL, LISTEN, DECORATED])
@pytest.mark.parametrize("caught", ["Exception", "sqlalchemy.exc.SQLAlchemyError"])
def test_a_creator_is_called_where_the_engine_connects(told, engine, caught):
    """SQLAlchemy raises its own error for the driver's."""
    assert told(ENGINE.format(body="pass", engine=engine), caught) == []


@pytest.mark.parametrize("use", [TENACITY, OBJECT, LOOP, BACKOFF, POOL])
def test_what_a_retry_or_a_pool_calls_is_called_where_it_is_used(told, use):
    """Whoever calls the function that is tried again meets what its callbacks raise."""
    assert told(RETRIES.format(use=use)) == []


@pytest.mark.parametrize(
    "app",
    [
        ENGINE.format(body='requests.post("http://x", timeout=3)', engine=CREATOR),
        RETRIES.format(use=TENACITY),
        RETRIES.format(use=LOOP),
        RETRIES.format(use=BACKOFF),
    ],
    ids=["creator", "tenacity", "loop", "backoff"],
)
def test_what_nobody_meets_there_is_found(told, app):
    """A token that is fetched, or a message that is sent, in a callback."""
    found = told(app, "KeyError")

    assert any(outcome == "failed" and "requests.post" in why for outcome, why in found)
    assert not any("starts it apart" in why for _, why in found)
