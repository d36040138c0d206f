"""What servers and functions hold while they live: each leak is found by single faults, and sound pools pass.

The server answers one request at a time: its pool keeps two connections and closes what comes back beyond them, a lock
with it, so that requests which overlap on a busy machine would hide what a failed one has left.
"""

from __future__ import annotations

import textwrap

import pytest
from small_jobs import LABS

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.experiments.external_calls import failing_services
from pytest_resilience.checklist.experiments.single_fault import SingleFault
from pytest_resilience.services.run_folder import RunFolder

SERVICES = """
    [services.warehouse]
    kind = "postgres"
    env = {{ DATABASE_URL = "{{dsn}}" }}
    init = ["schema.sql"]
    [services.labs]
    kind = "http"
    upstream = "{{python}} labs.py {{port}}"
    env = {{ LABS_URL = "{{url}}" }}
"""
SERVER = """
    [workloads.{name}]
    command = ["{{python}}", "serve.py", "{{port}}"]
    ready = "GET /health"
    drive = {{ request = "GET /score", every = 0.1 }}
    uses = ["warehouse", "labs"]
    env = {{ MODE = "{mode}" }}
    deadline = 5
"""
FUNCTION = """
    [workloads.{name}]
    function = "work:{function}"
    calls = 6
    every = 0.02
    uses = ["warehouse", "labs"]
    env = {{ MODE = "{mode}" }}
    deadline = 20
"""
SCHEMA = "create table rows (n int); insert into rows values (1);"
WORK = """
    import asyncio, os, sys, urllib.request, asyncpg, psycopg2.pool

    class ScoreError(Exception):
        pass

    MODE = os.environ["MODE"]
    pool, kept, pools = None, [], {}

    def ask():
        with urllib.request.urlopen(os.environ["LABS_URL"] + "/x", timeout=0.5) as reply:
            return reply.read()

    def begin():
        global pool
        pool = psycopg2.pool.ThreadedConnectionPool(2, 20, os.environ["DATABASE_URL"])
        if MODE == "leads":
            kept.append(psycopg2.connect(os.environ["DATABASE_URL"]))
            kept[0].autocommit = True
            with kept[0].cursor() as cursor:
                cursor.execute("listen news; select pg_advisory_lock(7)")

    def score():
        if pool is None:
            begin()
        connection = None
        try:
            connection = pool.getconn()
            connection.autocommit = MODE == "grows"
            with connection.cursor() as cursor:
                if MODE == "locks":
                    cursor.execute("select pg_advisory_lock(pg_backend_pid())")
                    connection.commit()
                cursor.execute("insert into rows values (2)")
                ask()
                connection.autocommit or connection.commit()
                if MODE == "locks":
                    cursor.execute("select pg_advisory_unlock(pg_backend_pid())")
                    connection.commit()
        except (OSError, psycopg2.Error) as error:
            print(f"ERROR no score: {error!r}", file=sys.stderr, flush=True)
            if connection is not None and MODE not in {"forgets", "grows"}:
                if not connection.closed:
                    connection.rollback()
                pool.putconn(connection, close=connection.closed)
            raise ScoreError("no score") from error
        pool.putconn(connection)

    async def score_async():
        pools["one"] = pools.get("one") or await asyncpg.create_pool(
            os.environ["DATABASE_URL"], min_size=3, max_size=5, command_timeout=2
        )
        try:
            async with pools["one"].acquire() as connection, connection.transaction():
                await connection.execute("insert into rows values (2)")
                await asyncio.to_thread(ask)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ScoreError("no score") from error
"""
SERVE = """
    import http.server, sys
    from work import ScoreError, begin, score

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status = 200
            try:
                self.path == "/health" or score()
            except ScoreError:
                status = 503
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    begin()
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"""
SERVERS = ("sound", "leads", "forgets", "locks", "grows")


@pytest.fixture(scope="module")
def laboratory(pool, tmp_path_factory):
    """Return where servers and functions are tried that work as their names say."""
    folder, run = tmp_path_factory.mktemp("team"), RunFolder.make()
    declared = [SERVER.format(name=mode, mode=mode) for mode in SERVERS]
    declared += [
        FUNCTION.format(name=f"call-{mode}", mode=mode, function="score") for mode in ("sound", "forgets")
    ]
    declared.append(FUNCTION.format(name="call-async", mode="sound", function="score_async"))
    (folder / "resilience.toml").write_text(textwrap.dedent(SERVICES.format() + "".join(declared)))
    (folder / "schema.sql").write_text(SCHEMA)
    for stem, text in {"labs": LABS, "work": WORK, "serve": SERVE}.items():
        (folder / f"{stem}.py").write_text(textwrap.dedent(text))
    made = Laboratory(read_configuration(folder), pool, run, seed=1)
    yield made
    made.close()
    run.end()


@pytest.fixture
def single(laboratory):
    """Return what one single fault shows of a workload."""

    def single(name, probe):
        found = {each.id: each for each in all_probes(laboratory.clean(name).recording.points)}
        return SingleFault(laboratory, name, found[probe]).run()

    return single


STATUS, CUT = "GET-x-1-request-error", "INSERT-1-request-cut"


@pytest.mark.parametrize("probe", [STATUS, CUT])
@pytest.mark.parametrize("name", ["sound", "leads", "call-sound", "call-async"])
def test_pools_and_leaders_pass(single, name, probe) -> None:
    """Idle connections, one that listens, and a lock that is held undisturbed too, are no leak."""
    result = single(name, probe)

    assert result.outcome == "passed", result.why


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("forgets", "1 transaction left open while it is asked nothing, 1 table lock with it"),
        ("locks", "1 advisory lock kept while it is asked nothing"),
        ("call-forgets", "1 transaction left open while it is asked nothing, 1 table lock with it"),
    ],
)
def test_what_one_failed_call_leaves_is_found(single, name, why) -> None:
    """A transaction with its locks, or a lock of the session, in a pool that never gets it back."""
    result = single(name, STATUS)

    assert (result.outcome, why in result.why) == ("failed", True), result.why


@pytest.mark.parametrize(("name", "outcome"), [("sound", "passed"), ("grows", "failed")])
def test_connections_that_grow_with_each_failed_call_are_found(laboratory, name, outcome) -> None:
    """One alone may be a pool that has grown, so that it takes several calls."""
    found = {each.id: each for each in failing_services(laboratory)}
    result = found[f"external-calls::{name}::labs::status-500"].run()
    told = {each.item: each for each in result.evidence}["external-calls"]

    assert told.outcome == outcome, result.why
    assert ("connections open while it is asked nothing, 2 undisturbed" in told.why) == (name == "grows")
