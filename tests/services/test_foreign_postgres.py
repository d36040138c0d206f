"""On a PostgreSQL server that somebody else runs we make databases under names of ours, and remove these alone."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from foreign_servers import PASSWORD, ForeignPostgres, foreign_postgres_server

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.external_backend import Guard
from pytest_resilience.services.foreign_postgres import (
    begin_in,
    drop_left_behind,
    foreign_postgres,
    place,
    what_else_is_in,
)
from pytest_resilience.services.own_names import own_names
from pytest_resilience.services.run_folder import RunFolder

LONG_AGO = "resilience_5f000000_0a1b_"
"""Begins the names of a run of July 2020."""


@pytest.fixture(scope="module")
def shared() -> Iterator[ForeignPostgres]:
    """One server for the tests of this module."""
    with foreign_postgres_server() as server:
        yield server


@pytest.fixture
def server(shared: ForeignPostgres) -> Iterator[ForeignPostgres]:
    """The server, which holds nothing before the test and after it."""
    yield shared
    for name in shared.databases():
        shared.run(f'drop database "{name}" with (force)')


def told(error: BaseException | None) -> str:
    """Return what an error says, and those that it came from."""
    return "" if error is None else f"{error} / {told(error.__cause__)} / {told(error.__context__)}"


def test_role_and_password_are_those_of_the_address(server: ForeignPostgres) -> None:
    """Whatever has to be quoted in it, who we are there is what the address says."""
    address = foreign_postgres(server.dsn)
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select current_user, current_database()")
        seen = cursor.fetchone()

    assert seen == ("chaos", "chaos")
    assert (address.password, address.tls, address.log) == (PASSWORD, False, "")
    assert PASSWORD not in repr(address)


def test_parameters_are_kept(server: ForeignPostgres) -> None:
    """What else libpq is told reaches it in every connection of ours, blanks and all."""
    address = foreign_postgres(f"{server.dsn}?options=-c%20application_name%3Da%2Bb&connect_timeout=9")
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute("show application_name")
        seen = cursor.fetchone()

    assert seen == ("a+b",)


def test_dialect_of_sqlalchemy_is_no_trouble(server: ForeignPostgres) -> None:
    """An address as SQLAlchemy takes it is one."""
    assert foreign_postgres(server.dsn.replace("://", "+psycopg2://", 1)).user == "chaos"


@pytest.mark.parametrize(
    ("dsn", "words"),
    [
        ("postgresql:///chaos", "none of one host"),
        ("postgresql://a,b/chaos", "none of one host"),
        ("host=h password='topsecret", "none of one host"),
        ("postgresql://u:topsecret@h:port/d", "(none of one host|a port that is no number)"),
        ("host=h hostaddr=192.0.2.1 password=topsecret", "leads elsewhere by hostaddr"),
        ("service=elsewhere host=h", "leads elsewhere by service"),
    ],
)
def test_address_that_makes_no_sense(dsn: str, words: str) -> None:
    """It is refused before anybody connects, and the message does not repeat it."""
    with pytest.raises(HarnessError, match=words) as caught:
        foreign_postgres(dsn)

    assert "secret" not in told(caught.value)


def test_variable_that_leads_elsewhere(server: ForeignPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of libpq cannot lead to a host that nobody has checked."""
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")

    with pytest.raises(HarnessError, match="leads elsewhere by hostaddr"):
        foreign_postgres(server.dsn)


def test_wrong_password_is_told_without_it(server: ForeignPostgres) -> None:
    """The message says where and as whom, never with what."""
    with pytest.raises(
        HarnessError, match=r'at 127\.0\.0\.1:\d+ cannot be used: .*password .* "chaos"'
    ) as caught:
        foreign_postgres(server.dsn_of("chaos", password="g-u-e-s-s"))

    assert "g-u-e-s-s" not in told(caught.value)


def test_role_that_may_make_no_database(server: ForeignPostgres) -> None:
    """The message says what gives it the right."""
    with pytest.raises(HarnessError, match=r'role modest .* may not make .*alter role "modest" createdb'):
        foreign_postgres(server.dsn_of("modest"))


def test_server_that_holds_nothing(server: ForeignPostgres) -> None:
    """What every server has, and what runs of ours have made, is nothing else."""
    server.run(f"create database {LONG_AGO}warehouse")

    assert what_else_is_in(foreign_postgres(server.dsn)) == []


def test_everything_else_is_told(server: ForeignPostgres) -> None:
    """Databases, those that serve as templates too, and tables in those that were there from the start."""
    server.run("create database icu", "create database pattern is_template true")
    server.run("create table patients (id serial)")
    server.run("create schema s", "create view s.v as select 1", database="chaos")
    try:
        found = what_else_is_in(foreign_postgres(server.dsn))
    finally:
        server.run("drop table patients", "alter database pattern is_template false")
        server.run("drop schema s cascade", database="chaos")

    assert found == [
        "database icu",
        "database pattern",
        "table s.v in chaos",
        "table public.patients in postgres",
        "table public.patients_id_seq in postgres",
    ]


def test_database_that_cannot_be_looked_into(server: ForeignPostgres) -> None:
    """What we are not allowed to see may be something."""
    server.run("revoke connect on database postgres from public")
    try:
        found = what_else_is_in(foreign_postgres(server.dsn))
    finally:
        server.run("grant connect on database postgres to public")

    assert found == ["database postgres, which chaos cannot look into"]


def test_guard_lets_nobody_into_what_is_shared_unsaid() -> None:
    """A server that holds anything else is refused, with what it holds and what to say."""
    others = [f"database d{number}" for number in range(7)]

    with pytest.raises(
        HarnessError, match=r"holds .*: database d0, .* d4 and 2 more\. .*allow_shared = true"
    ):
        Guard().check_alone("the server", others)
    Guard().check_alone("the server", [])
    Guard(allow_shared=True).check_alone("the server", others)


def test_databases_of_others_are_left_alone(server: ForeignPostgres, run: RunFolder) -> None:
    """No name that does not begin with the run's is made, closed or dropped, though our role might."""
    server.run("create database icu owner chaos")
    address = begin_in(run, foreign_postgres(server.dsn))
    for touch in (address.create_database, address.close_database, address.drop_database):
        with pytest.raises(HarnessError, match=r"'icu' at .* is not of this run, .*: it is left alone"):
            touch("icu")

    assert server.databases() == {"icu"}


def test_end_of_the_run_drops_what_it_made(server: ForeignPostgres, run: RunFolder) -> None:
    """What nobody has dropped goes with the run, whoever is connected; what is not the run's stays."""
    server.run("create database icu owner chaos")
    address = begin_in(run, foreign_postgres(server.dsn))
    address.create_database(f"{address.prefix}forgotten")
    with address.connect(f"{address.prefix}forgotten"):
        before = server.databases()
        run.end()

    assert before == {"icu", f"{address.prefix}forgotten"}
    assert server.databases() == {"icu"}


OWNER = """
import sys, threading
from pytest_resilience.services.foreign_postgres import begin_in, foreign_postgres
from pytest_resilience.services.run_folder import RunFolder

run = RunFolder.make()
address = begin_in(run, foreign_postgres(sys.stdin.readline().strip()))
address.create_database(address.prefix + "forgotten")
print(address.prefix + "forgotten", flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_killed_run_leaves_no_database(server: ForeignPostgres, end: signal.Signals) -> None:
    """Whatever ends the run, SIGKILL too, its databases go, and the others stay."""
    server.run("create database icu owner chaos")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=pipe, stdout=pipe, text=True) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        owner.stdin.write(f"{server.dsn}\n")
        owner.stdin.flush()
        made = owner.stdout.readline().strip()
        before = server.databases()
        owner.send_signal(end)
    pause = threading.Event()
    while server.databases() == before:
        pause.wait(0.05)

    assert before == {"icu", made}
    assert server.databases() == {"icu"}


def command_lines() -> Iterator[bytes]:
    """Yield what every user can read of every process."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            yield file.read_bytes()


def test_keeper_shows_its_secret_to_nobody(server: ForeignPostgres, run: RunFolder) -> None:
    """The password stands on no command line, and in no file that others can read."""
    begin_in(run, foreign_postgres(server.dsn))
    shown = [line for line in command_lines() if PASSWORD.encode() in line]
    open_files = [
        file
        for file in run.path.rglob("*")
        if file.is_file() and file.stat().st_mode & 0o077 and PASSWORD.encode() in file.read_bytes()
    ]

    assert (shown, open_files) == ([], [])


def test_what_killed_runs_have_left_goes_after_a_day(server: ForeignPostgres, run: RunFolder) -> None:
    """Of our role, a day old, and nobody connected: all three, or it stays."""
    address = foreign_postgres(server.dsn)
    young = f"{own_names(run).database}forgotten"
    server.run(
        *(f"create database {LONG_AGO}{name} owner chaos" for name in ("old", "in_use")),
        f"create database {LONG_AGO}of_another",
        f"create database {young} owner chaos",
        "create database icu owner chaos",
    )
    with psycopg2.connect(server.dsn_of("chaos", database=f"{LONG_AGO}in_use")):
        dropped = drop_left_behind(address)

    assert dropped == [f"{LONG_AGO}old"]
    assert server.databases() == {f"{LONG_AGO}in_use", f"{LONG_AGO}of_another", young, "icu"}


def test_place_has_no_login(server: ForeignPostgres) -> None:
    """What messages call a server by."""
    address = foreign_postgres(server.dsn)

    assert place(address) == f"127.0.0.1:{server.administrator.port}"


def test_copies_make_no_checkpoints(server: ForeignPostgres) -> None:
    """A server that others use is not made to write everything out, as copying file by file would."""
    address = replace(foreign_postgres(server.dsn), prefix=LONG_AGO, version="18.6")
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select num_requested from pg_stat_checkpointer")
        before = cursor.fetchone()
        address.create_database(f"{LONG_AGO}copied", template="template0")
        cursor.execute("select num_requested from pg_stat_checkpointer")

        assert cursor.fetchone() == before
