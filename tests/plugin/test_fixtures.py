"""A project that has nothing but a test file uses real services behind the fault proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

USES_ALL = """
    import urllib.request

    import psycopg2
    import pytest

    def test_lost(postgres):
        with psycopg2.connect(postgres.dsn) as connection:
            connection.cursor().execute("create table t (n int)")
        with postgres.down() as fault, pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(postgres.dsn)
        with psycopg2.connect(postgres.dsn) as connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from t")
            assert cursor.fetchone() == (0,)
        (receipt,) = fault.receipts
        assert (receipt.service, receipt.kind) == ("postgres", "down")

    def test_database_is_new(postgres):
        with psycopg2.connect(postgres.direct_dsn) as connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_class where relname = 't'")
            assert cursor.fetchone() == (0,)

    def test_registry(mlflow_server):
        assert urllib.request.urlopen(mlflow_server.url + "/health").read() == b"OK"
        with mlflow_server.at("GET /health").respond(503), pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(mlflow_server.url + "/health")

    def test_by_name(chaos, postgres):
        with chaos.inject("postgres", "latency", delay="50ms"):
            psycopg2.connect(postgres.dsn).close()
        assert [receipt.kind for receipt in chaos.receipts] == ["latency"]
        assert chaos.seed == 7

    def test_client(toxiproxy, postgres):
        proxy = toxiproxy.get_proxy("postgres")
        with proxy.down(), pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(postgres.dsn)
        psycopg2.connect(postgres.dsn).close()

    def test_handle_by_name(service, postgres):
        assert service("postgres").port == postgres.port
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_unrelated_project(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """Every fixture works with no configuration, and under pytest-xdist."""
    pytester.makepyfile(USES_ALL)
    pytester.makeini("[pytest]\nfilterwarnings =\n    error\n")
    result = pytester.runpytest_subprocess("--chaos", "--chaos-seed=7", *workers)

    result.assert_outcomes(passed=6)


def test_tests_with_our_fixtures_are_chaos_tests(pytester: pytest.Pytester) -> None:
    """They are skipped without `--chaos`, with the reason, and `-m chaos` selects them."""
    pytester.makepyfile("def test_lost(postgres): pass\ndef test_plain(): pass")
    without = pytester.runpytest_subprocess("-rs")
    narrowed = pytester.runpytest_subprocess("-m", "chaos", "--collect-only", "-q")

    without.assert_outcomes(passed=1, skipped=1)
    without.stdout.fnmatch_lines(["SKIPPED*run with --chaos"])
    assert [line for line in narrowed.outlines if "::" in line] == [
        "test_tests_with_our_fixtures_are_chaos_tests.py::test_lost"
    ]


def test_projects_own_fixture_is_not_ours(pytester: pytest.Pytester) -> None:
    """A project that has a `postgres` fixture of its own keeps it, and its tests run as always."""
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef postgres(): return 'own'")
    pytester.makepyfile("def test_own(postgres): assert postgres == 'own'")

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_fault_that_never_fired_is_unproven(pytester: pytest.Pytester) -> None:
    """A test whose fault met nothing is red, and says why in the first word."""
    pytester.makepyfile("def test_lost(postgres):\n    with postgres.latency(1): pass")
    result = pytester.runpytest_subprocess("--chaos")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *FaultNotFiredError: unproven: the fault latency on postgres never fired*"]
    )


def test_red_test_shows_what_happened(pytester: pytest.Pytester) -> None:
    """It shows the faults and when they fired, the services' logs, and the command that replays it."""
    pytester.makepyfile(
        """
        import psycopg2

        def test_lost(postgres):
            with postgres.at("Query").cut():
                psycopg2.connect(postgres.dsn).cursor().execute("select 1")
        """
    )
    result = pytester.runpytest_subprocess("--chaos", "--chaos-seed=7")

    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [
            r"E .*OperationalError: server closed the connection unexpectedly.*",
            r"-+ resilience: faults -+",
            r"cut on postgres at message Query.*: fired at \d+\.\d{3} s .*",
            r"-+ resilience: log of PostgreSQL -+",
            r"-+ resilience: replay -+",
            r'pytest --resilience-chaos --chaos-seed=7 "test_red_test_shows.*::test_lost"',
        ]
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "service('postgrs')",
            "there is no service 'postgrs'; did you mean 'postgres'? known are postgres, mlflow",
        ),
        ("chaos.inject('warehouse', 'down')", "there is no service 'warehouse'; known are postgres, mlflow"),
        (
            "chaos.inject('postgres', 'dwn')",
            "there is no fault kind 'dwn'; did you mean 'down'?*, bad_chunk *",
        ),
        ("service('postgres').at('COMIT')", "there is no PostgreSQL message 'COMIT'; did you mean 'COMMIT'?"),
        ("service('postgres').at(sql='(').cut()", "sql is '(', which is no regular expression: *"),
        (
            "service('postgres').at('COMMIT').error('disk full')",
            "sqlstate is 'disk full': it is the five characters of an error, such as 40001",
        ),
        (
            "service('postgres').at('COMMIT').error('40001', severity='BAD').__enter__()",
            "error on postgres: *severity must be one of *",
        ),
        ("service('postgres').at(rows=-1).cut()", "rows is -1: it is a whole number, from 0"),
        ("service('postgres').at('COMMIT').error(40001)", "sqlstate is 40001: it is the five characters *"),
        (
            "service('postgres').at('COMMIT').truncate(-1).__enter__()",
            "truncate on postgres: bytes must be at least 0, not -1",
        ),
        ("service('postgres').latency(1, toxicity=2)", "toxicity is 2: it is a probability, from 0 *"),
        ("service('postgres').latency(1, toxicity='1')", "toxicity is '1': it is a probability, from 0 *"),
        (
            "chaos.inject('postgres', 'cut', when={'mesage': 'COMMIT'})",
            "when has no key 'mesage'; did you mean 'message'? known are message, request, sql, *",
        ),
        ("chaos.inject('postgres', 'cut', when='COMMIT')", "when is 'COMMIT': it is a mapping, such as *"),
    ],
)
def test_unknown_names_are_told(pytester: pytest.Pytester, body: str, words: str) -> None:
    """A misspelled service, kind or message is named, with the nearest known one, and none of our code is shown."""
    pytester.makepyfile(f"def test_lost(service, chaos): {body}")
    result = pytester.runpytest_subprocess("--chaos")

    result.stdout.fnmatch_lines([f"E *: {words}"])
    assert "pytest_resilience/" not in result.stdout.str()


def test_a_red_test_shows_no_password(pytester: pytest.Pytester) -> None:
    """Its arguments are shown by their kinds and names."""
    pytester.makepyfile(
        """
        from pathlib import Path

        def test_lost(postgres, chaos, service):
            point = postgres.at("COMMIT")
            Path("password").write_text(postgres.password)
            assert (postgres, point, chaos) == ()
        """
    )
    result = pytester.runpytest_subprocess("--chaos", "-l", "-vv")

    result.stdout.fnmatch_lines(["postgres * = <postgres 'postgres'>"])
    assert (pytester.path / "password").read_text() not in result.stdout.str()


def test_service_that_does_not_start_is_told_plainly(pytester: pytest.Pytester) -> None:
    """The reason stands alone, without the stack of the harness."""
    pytester.makeconftest(
        """
        from pytest_resilience.services import postgres_programs
        postgres_programs.SYSTEM_USERS = ("no-such-account",)
        postgres_programs.os.geteuid = lambda: 0
        """
    )
    pytester.makepyfile("def test_lost(postgres): pass")
    result = pytester.runpytest_subprocess("--chaos")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["PostgreSQL does not run as root*looked for no-such-account*"])
    assert "Traceback" not in result.stdout.str()


def test_nothing_is_left_in_the_folder(pytester: pytest.Pytester) -> None:
    """A run leaves nothing of its own in the project."""
    pytester.makepyfile("def test_lost(postgres): pass")
    pytester.runpytest_subprocess("--chaos", "-p", "no:cacheprovider")

    of_the_bench = ("runpytest-", "stdout", "stderr", "__pycache__", "test_nothing_is_left")
    left = [path.name for path in Path(pytester.path).iterdir() if not path.name.startswith(of_the_bench)]

    assert left == []


def test_fault_without_its_block_is_unproven(pytester: pytest.Pytester) -> None:
    """A fault that was made and never injected does not leave a green test behind."""
    pytester.makepyfile("def test_lost(postgres): postgres.at('COMMIT').cut()")
    result = pytester.runpytest_subprocess("--chaos")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["unproven: made and never injected: cut on postgres at message COMMIT*"])
