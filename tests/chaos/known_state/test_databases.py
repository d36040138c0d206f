"""Each declared database is a copy of one that `init` made once."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest

from pytest_resilience.chaos.known_state.sql_file import InitError
from pytest_resilience.services.postgres import PostgresAddress, owned_databases

SCHEMA = """\
-- a semicolon; in a comment, and 100 % of rows
create schema raw;
create table raw.icustays (stay_id int primary key, note text);
insert into raw.icustays values (1, 'a ; b'), (2, '50 %');
create function raw.f() returns int language plpgsql as $$ begin return 1; end $$;
"""


def ask(dsn: str, query: str) -> Any:
    """Return the one row that a query gives."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def do(dsn: str, statement: str) -> None:
    """Run a statement and commit it."""
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def warehouse(*init: str, **more: Any) -> dict[str, Any]:
    """Return the declaration of a database."""
    return {"warehouse": {"kind": "postgres", "env": {"DATABASE_URL": "{dsn}"}, "init": init, **more}}


def test_init_makes_the_state_of_every_sandbox(folder, declare, begin):
    """What one sandbox changes no other sees; SQL files and commands have been run in order, once."""
    (folder / "schema.sql").write_text(SCHEMA)
    (folder / "seed.py").write_text(
        "import os, psycopg2, pathlib, sys\n"
        "with psycopg2.connect(os.environ['DATABASE_URL']) as connection:\n"
        "    connection.cursor().execute('insert into raw.icustays values (3, %s)', (sys.argv[1],))\n"
        "with open('runs', 'a') as runs: runs.write('x')\n"
    )
    configuration = declare(warehouse("schema.sql", "{python} seed.py 'two words'"))
    first, second = begin(configuration), begin(configuration)
    do(first.postgres().dsn, "delete from raw.icustays")

    assert ask(first.postgres().dsn, "select count(*) from raw.icustays") == (0,)
    assert ask(second.postgres().dsn, "select count(*), max(note) from raw.icustays") == (3, "two words")
    assert (folder / "runs").read_text() == "x"


def test_two_databases_are_two(declare, begin):
    """Two declared services of kind postgres do not see each other's tables."""
    sandbox = begin(declare(warehouse() | {"lake": {"kind": "postgres"}}))
    do(sandbox.service("warehouse").dsn, "create table t ()")

    assert ask(sandbox.service("lake").dsn, "select to_regclass('t')") == (None,)


def test_dialect_is_the_scheme(declare, begin):
    """`{dsn}` begins with what the team's driver wants."""
    env = begin(declare(warehouse(dialect="postgresql+psycopg2"))).environment()

    assert env["DATABASE_URL"].startswith("postgresql+psycopg2://")


def test_every_placeholder_leads_to_the_database(declare, begin):
    """Host, port, user, password and database together are the same place as the dsn."""
    template = "host={host} port={port} user={user} password={password} dbname={database}"
    sandbox = begin(declare({"warehouse": {"kind": "postgres", "env": {"PARTS": template}}}))
    here = ask(sandbox.environment()["PARTS"], "select current_database()")

    assert here == ask(sandbox.postgres().direct_dsn, "select current_database()")


def test_changed_file_makes_another_template(folder, declare, begin):
    """The template follows the content of its files, not their names."""
    (folder / "schema.sql").write_text("create table one ()")
    begin(declare(warehouse("schema.sql"))).postgres()
    (folder / "schema.sql").write_text("create table two ()")
    sandbox = begin(declare(warehouse("schema.sql")))

    assert ask(sandbox.postgres().dsn, "select to_regclass('one'), to_regclass('two')") == (None, "two")


def test_many_at_once_make_one_template(folder, declare, begin):
    """Sandboxes in several threads that all come first wait for one that runs `init`."""
    (folder / "mark.py").write_text("with open('runs', 'a') as runs: runs.write('x')\n")
    configuration = declare(warehouse("{python} mark.py"))
    sandboxes = [begin(configuration) for _ in range(4)]
    with ThreadPoolExecutor(4) as executor:
        names = set(executor.map(lambda sandbox: sandbox.postgres().database, sandboxes))

    assert len(names) == 4
    assert (folder / "runs").read_text() == "x"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select 1;\nselect broken;", r'schema\.sql:2: column "broken" does not exist'),
        ("create table t ();\n\\copy t from 'x'", r"schema\.sql:2: '\\\\copy' is a command of psql"),
        ("copy t from stdin;\n1\n\\.\n", r"schema\.sql:3: '\\\\\.' is a command of psql.*--inserts"),
    ],
)
def test_broken_file_is_told(folder, declare, begin, sql, words):
    """The message has the file, the line and what is wrong; and comes again for the next sandbox."""
    (folder / "schema.sql").write_text(sql)
    configuration = declare(warehouse("schema.sql"))

    for _ in range(2):
        with pytest.raises(InitError, match=words):
            begin(configuration).postgres()


def test_what_looks_like_psql_and_is_not(folder, declare, begin):
    """A backslash in a literal, a comment or a body is data; pg_dump's own two commands mean nothing here."""
    (folder / "dump.sql").write_text(
        "\ufeff\\restrict abc\n-- \\d\n"
        "create table t as select 'a\\b' as v, $$\\x$$ as w, e'\\\\' as u;\n\\unrestrict abc\n"
    )
    sandbox = begin(declare(warehouse("dump.sql")))

    assert ask(sandbox.postgres().dsn, "select v, w, u from t") == ("a\\b", "\\x", "\\")


def test_client_held_within_the_login_holds_up_no_other_sandbox(pool, declare, begin):
    """A sandbox ends although the server cannot drop its database before another session goes on."""
    address, sandbox = pool.postgres(), begin(declare(warehouse()))
    name = sandbox.postgres().database
    with held_login(address):
        sandbox.close()

        assert name in owned_databases(address)


@contextmanager
def held_login(address: PostgresAddress) -> Iterator[None]:
    """Be a client that has been asked for its password and does not answer."""
    start = struct.pack(">I", 3 << 16) + f"user\0{address.user}\0database\0postgres\0\0".encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address.upstream.removeprefix("unix:"))
        client.sendall(struct.pack(">I", len(start) + 4) + start)
        assert client.recv(1) == b"R"
        yield


def test_file_is_one_transaction(folder, declare, begin):
    """A file that fails half-way has done nothing that the next one could meet."""
    (folder / "schema.sql").write_text("create table t (); select 1 / 0")

    with pytest.raises(InitError, match="division by zero"):
        begin(declare(warehouse("schema.sql"))).postgres()


def test_failed_command_is_told(folder, declare, begin):
    """The message has the command, its status and the end of what it wrote."""
    (folder / "migrate.py").write_text("print('first line'); raise SystemExit('no such revision')")

    with pytest.raises(
        InitError, match=r"(?s)'\{python\} migrate.py'.*status 1.*first line\n.*no such revision"
    ):
        begin(declare(warehouse("{python} migrate.py"))).postgres()


def test_command_that_leaves_a_client_behind(folder, declare, begin):
    """Whoever is still connected to the template does not stand in the way of a copy."""
    (folder / "linger.py").write_text(
        "import os, subprocess, sys\n"
        "code = \"import os, psycopg2, time; c = psycopg2.connect(os.environ['DATABASE_URL']); \" \\\n"
        "    \"print('in', flush=True); time.sleep(600)\"\n"
        "child = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, start_new_session=True)\n"
        "child.stdout.readline()\n"
    )
    sandbox = begin(declare(warehouse("{python} linger.py")))

    assert ask(sandbox.postgres().dsn, "select 1") == (1,)


def test_databases_go_with_the_sandbox(pool, declare, begin):
    """Nothing is left on the server, but for what was made ahead."""
    configuration = declare(warehouse())
    sandboxes = [begin(configuration) for _ in range(3)]
    names = [sandbox.postgres().database for sandbox in sandboxes]
    for sandbox in sandboxes:
        sandbox.close()
        sandbox.close()

    assert all(re.fullmatch(r"warehouse_[0-9a-f]{12}", name) for name in names)
    assert [name for name in names if is_there(pool.postgres().dsn(), name)] == []


def is_there(dsn: str, database: str) -> bool:
    """Return whether the server has a database of that name."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (database,))
        return cursor.fetchone() is not None
