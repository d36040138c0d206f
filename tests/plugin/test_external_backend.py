"""`--chaos-backend=external`: what a run does on servers that somebody else runs, what it says, what it refuses."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from foreign_servers import PASSWORD, ForeignPostgres, foreign_mlflow_server, foreign_postgres_server
from ingestion import SCENARIO, write_ingestion

from pytest_resilience.services.foreign_mlflow import remove_from_registry, what_else_is_in_registry
from pytest_resilience.services.mlflow import MlflowAddress
from pytest_resilience.services.mlflow_rest import MlflowRest

USES_BOTH = """
    import psycopg2
    import pytest
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    @pytest.mark.parametrize("number", range(2))
    def test_postgres(postgres, number):
        assert postgres.database.startswith("resilience_")
        with postgres.down() as fault, pytest.raises(psycopg2.OperationalError, match="refused"):
            psycopg2.connect(postgres.dsn)
        with psycopg2.connect(postgres.dsn) as connection:
            connection.cursor().execute("create table t (n int)")
        with postgres.at("COMMIT").cut(), pytest.raises(psycopg2.OperationalError):
            connection.cursor().execute("insert into t values (1)")
            connection.commit()
        connection.close()
        assert fault.fired

    @pytest.mark.parametrize("number", range(2))
    def test_mlflow(mlflow_server, number, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        client = MlflowClient(mlflow_server.url)
        client.create_registered_model(mlflow_server.prefix + "model")
        client.create_experiment(mlflow_server.prefix + "experiment")
        with mlflow_server.down(), pytest.raises(MlflowException):
            client.get_registered_model(mlflow_server.prefix + "model")
        assert client.get_registered_model(mlflow_server.prefix + "model").name
"""
ADDRESSES = {"postgres": "RESILIENCE_POSTGRES_DSN", "mlflow": "RESILIENCE_MLFLOW_URL"}


@pytest.fixture(scope="module")
def shared_postgres() -> Iterator[ForeignPostgres]:
    """One PostgreSQL server for the tests of this module."""
    with foreign_postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def shared_mlflow() -> Iterator[MlflowAddress]:
    """One MLflow server for the tests of this module."""
    with foreign_mlflow_server() as server:
        yield server


@pytest.fixture
def postgres_server(
    shared_postgres: ForeignPostgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ForeignPostgres]:
    """A PostgreSQL server that holds nothing, at the address in the environment."""
    monkeypatch.setenv(ADDRESSES["postgres"], shared_postgres.dsn)
    yield shared_postgres
    for name in shared_postgres.databases():
        shared_postgres.run(f'drop database "{name}" with (force)')


@pytest.fixture
def mlflow_at(shared_mlflow: MlflowAddress, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowAddress]:
    """An MLflow server that holds nothing, at the address in the environment."""
    monkeypatch.setenv(ADDRESSES["mlflow"], shared_mlflow.url)
    yield shared_mlflow
    remove_from_registry(shared_mlflow.url, lambda name: name != "Default")


def run_external(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the tests in the folder."""
    return pytester.runpytest_subprocess("--chaos", "--chaos-backend=external", *arguments)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_run_says_what_it_does_and_leaves_nothing(
    pytester: pytest.Pytester,
    postgres_server: ForeignPostgres,
    mlflow_at: MlflowAddress,
    workers: tuple[str, ...],
) -> None:
    """Faults work as with servers of our own; the plan stands in the header, and in the end nothing is left."""
    pytester.makepyfile(USES_BOTH)
    result = run_external(pytester, *workers)

    result.assert_outcomes(passed=4)
    result.stdout.re_match_lines(
        [
            r"resilience: PostgreSQL external \d+\.\d+, MLflow external [\d.]+, proxy embedded .*, seed \d+",
            r"resilience: PostgreSQL at 127\.0\.0\.1:\d+, as chaos: makes databases resilience_[0-9a-f_]+\* and drops",
            r"resilience: MLflow at http://127\.0\.0\.1:\d+: deletes at the end the .* models resilience-[0-9a-f-]+\*",
        ]
    )
    assert postgres_server.databases() == set()
    assert what_else_is_in_registry(mlflow_at.url) == []
    assert PASSWORD not in result.stdout.str() + result.stderr.str()


def test_plan_is_told_to_who_asks_for_quiet_too(
    pytester: pytest.Pytester, postgres_server: ForeignPostgres
) -> None:
    """With `-q` pytest prints no header; what happens on another's server is said all the same."""
    pytester.makepyfile("def test_nothing(): pass")
    result = run_external(pytester, "-q")

    result.stdout.re_match_lines([r"resilience: PostgreSQL at .*: makes databases resilience_"])
    assert postgres_server.databases() == set()


def test_listing_makes_nothing(pytester: pytest.Pytester, postgres_server: ForeignPostgres) -> None:
    """`--chaos-list` looks, and no database is made for it."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO)
    result = run_external(pytester, "--chaos-list")

    result.stdout.fnmatch_lines(["*warehouse*"])
    assert (result.ret, postgres_server.databases()) == (0, set())


def test_server_that_holds_something_is_refused(
    pytester: pytest.Pytester, postgres_server: ForeignPostgres, mlflow_at: MlflowAddress
) -> None:
    """The run ends before it begins; where sharing was said it runs, and leaves what was there."""
    postgres_server.run("create database icu owner chaos")
    postgres_server.run("create table patients as select 1 as id", database="icu")
    pytester.makepyfile(USES_BOTH)
    refused = run_external(pytester)
    (pytester.path / "resilience.toml").write_text("allow_shared = true\n")
    allowed = run_external(pytester)
    with postgres_server.administrator.connect("icu") as connection, connection.cursor() as cursor:
        cursor.execute("select id from patients")
        kept = cursor.fetchall()

    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.re_match_lines(
        [
            r".*PostgreSQL server at .* holds what is not ours: database icu\. Nothing was done .*allow_shared = true"
        ]
    )
    allowed.assert_outcomes(passed=4)
    assert (postgres_server.databases(), kept) == ({"icu"}, [(1,)])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_registry_that_holds_something_is_refused(
    pytester: pytest.Pytester, mlflow_at: MlflowAddress, workers: tuple[str, ...]
) -> None:
    """The same of an MLflow server."""
    name = f"churn-{len(workers)}"
    MlflowRest(mlflow_at.url).ask("POST", "registered-models/create", {"name": name})
    pytester.makepyfile(USES_BOTH)
    refused = run_external(pytester, *workers)
    (pytester.path / "resilience.toml").write_text("allow_shared = true\n")
    allowed = run_external(pytester, "-k", "mlflow", *workers)

    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.re_match_lines([rf".*MLflow server at .* holds what is not ours: model {name}\."])
    allowed.assert_outcomes(passed=2)
    assert what_else_is_in_registry(mlflow_at.url) == [f"model {name}"]


@pytest.mark.parametrize(
    ("variable", "address", "configuration", "words"),
    [
        ("postgres", "postgresql://chaos:s3cret@8.8.8.8/chaos", "", "neither on this machine"),
        ("postgres", "postgresql://chaos:s3cret@127.0.0.1:1/icu_prod", "", "its name is icu_prod"),
        ("mlflow", "https://u:s3cret@mlflow.prod.invalid", "", r"its name is mlflow\.prod\.invalid"),
        ("mlflow", "http://u:s3cret@127.0.0.1:1/live", "", "its name is /live"),
        ("mlflow", "http://127.0.0.1:1", 'production = ["localhost"]', "is production: `production` lists"),
        ("mlflow", "http://127.0.0.1:1", 'not_production = ["*"]', "cannot be used: .*refused"),
    ],
)
def test_production_is_refused(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    address: str,
    configuration: str,
    words: str,
) -> None:
    """Nobody connects to an address that is listed as production or looks like it, and no password is shown."""
    monkeypatch.setenv(ADDRESSES[variable], address)
    (pytester.path / "resilience.toml").write_text(configuration)
    pytester.makepyfile("def test_nothing(): pass")
    result = run_external(pytester)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines([f".*{words}"])
    assert "s3cret" not in result.stdout.str() + result.stderr.str()


def test_addresses_are_needed(pytester: pytest.Pytester) -> None:
    """Without any the error says where they are taken from."""
    result = run_external(pytester)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines([".*needs addresses: set RESILIENCE_POSTGRES_DSN and RESILIENCE_MLFLOW_URL"])


def test_one_address_is_enough_for_tests_of_one_service(
    pytester: pytest.Pytester, postgres_server: ForeignPostgres
) -> None:
    """What needs the other says what is missing; nothing else is red."""
    pytester.makepyfile(USES_BOTH)
    result = run_external(pytester)

    result.assert_outcomes(passed=2, errors=2)
    result.stdout.re_match_lines([r".*no address of an MLflow server was given: set RESILIENCE_MLFLOW_URL"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_configuration_gives_addresses(
    pytester: pytest.Pytester,
    shared_postgres: ForeignPostgres,
    workers: tuple[str, ...],
) -> None:
    """`external` names the address of a declared service, and the declared `init` is run there."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO)
    configuration = pytester.path / "resilience.toml"
    configuration.write_text(
        f"external = {{ warehouse = {json.dumps(shared_postgres.dsn)} }}\n" + configuration.read_text()
    )
    result = run_external(pytester, "scenarios", *workers)

    result.assert_outcomes(passed=1)
    assert shared_postgres.databases() == set()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 0), ("labs.prod.invalid", 4)])
def test_web_services_are_at_their_addresses(
    pytester: pytest.Pytester, postgres_server: ForeignPostgres, host: str, status: int
) -> None:
    """`external` gives those of web services too, in place of what is declared, and production is refused."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (pytester.path / "resilience.toml").write_text(
        f'external = {{ labs = "http://{host}:{server.server_port}" }}\n'
        '[services.labs]\nkind = "http"\nupstream = "{python} nowhere.py {port}"\nenv = { LABS_URL = "{url}" }\n'
    )
    pytester.makepyfile("""
        import urllib.request

        def test_labs(http_service):
            assert urllib.request.urlopen(http_service.url + "/resilience.toml").status == 200
    """)
    result = run_external(pytester)
    server.shutdown()
    server.server_close()

    assert result.ret == status
    if status:
        result.stderr.re_match_lines(
            [r".*the service labs is at labs\.prod\.invalid, which looks like production"]
        )


def test_gate(pytester: pytest.Pytester, postgres_server: ForeignPostgres) -> None:
    """The checklist is judged on another's server as on ours, without the password in any report."""
    write_ingestion(pytester.path)
    result = run_external(pytester, "--checklist", "-k", "transactions")
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())
    verdicts = {item["id"]: item["verdict"] for item in report["items"]}
    written = [
        path.read_text() for path in (pytester.path / "resilience-report").rglob("*") if path.is_file()
    ]

    assert "failed" not in result.parseoutcomes()
    assert verdicts["transactions"] == "passed"
    assert postgres_server.databases() == set()
    assert [text for text in written if PASSWORD in text or quote(PASSWORD, safe="") in text] == []


STUCK = """
    from pathlib import Path
    import threading
    from mlflow import MlflowClient

    def test_stuck(postgres, mlflow_server):
        MlflowClient(mlflow_server.url).create_registered_model(mlflow_server.prefix + "model")
        Path("made").write_text(postgres.database)
        Path("made").rename("ready")
        threading.Event().wait()
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_run_leaves_nothing(
    pytester: pytest.Pytester, postgres_server: ForeignPostgres, mlflow_at: MlflowAddress, end: signal.Signals
) -> None:
    """Ctrl-C, SIGTERM and SIGKILL in the middle of a test: what the run made goes, and nothing else."""
    postgres_server.run("create database icu owner chaos")
    (pytester.path / "resilience.toml").write_text("allow_shared = true\n")
    pytester.makepyfile(STUCK)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--chaos", "--chaos-backend=external", "-q"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(os.environ),
    )
    pause = threading.Event()
    while not Path("ready").exists():
        assert run.poll() is None, "the run ended before its test was up"
        pause.wait(0.05)
    made = Path("ready").read_text()
    before = postgres_server.databases()
    run.send_signal(end)
    run.wait()
    while postgres_server.databases() != {"icu"} or registered(mlflow_at):
        pause.wait(0.05)

    assert made in before


def registered(mlflow_at: MlflowAddress) -> list[str]:
    """Return the names of the models."""
    models = MlflowRest(mlflow_at.url).pages("GET", "registered-models/search", "registered_models")
    return [found["name"] for found in models]
