"""In a chaos test, the fixture, the declared service and the environment variable are the same thing."""

from __future__ import annotations

import textwrap

import pytest

STUB = """
    import http.server, sys

    class Labs(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Labs).serve_forever()
"""
CONFIGURATION = """
    [tool.resilience]
    canaries = { env = { LABS_TOKEN = "{canary}" } }

    [tool.resilience.services.warehouse]
    kind = "postgres"
    env = { DATABASE_URL = "{dsn}" }
    init = ["schema.sql"]

    [tool.resilience.services.labs]
    kind = "http"
    upstream = "{python} labs_stub.py {port}"
    env = { LABS_URL = "{url}" }

    [tool.resilience.services.line]
    kind = "tcp"
    upstream = "127.0.0.1:9"
    env = { LINE = "{host}:{port}" }

    [tool.resilience.services.registry]
    kind = "mlflow"
    env = { MLFLOW_TRACKING_URI = "{tracking_uri}" }

    [tool.resilience.alerts]
    env = { HOOK = "{slack}" }
"""
TESTS = """
    import os
    import urllib.request

    import psycopg2
    import pytest

    def rows():
        with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute("delete from patients returning id")
            return cursor.fetchall()

    @pytest.fixture
    def url_of_the_application():
        return os.environ["DATABASE_URL"]

    def test_same_database(url_of_the_application, postgres):
        assert url_of_the_application == postgres.dsn
        assert postgres.name == "warehouse"
        assert rows() == [(1,)]

    @pytest.mark.parametrize("time", ["first", "second"])
    def test_each_has_its_own(postgres, time):
        assert rows() == [(1,)]
        with postgres.at("DELETE").error("40001"), pytest.raises(psycopg2.OperationalError):
            rows()

    def test_same_web_service(http_service, service):
        assert os.environ["LABS_URL"] == http_service.url == service("labs").url
        assert urllib.request.urlopen(os.environ["LABS_URL"]).status == 204
        with http_service.at("GET /").respond(503), pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(os.environ["LABS_URL"])

    def test_what_at_takes_has_one_name(http_service, postgres):
        with postgres.at(message_or_request="COMMIT", headers=None, body=None).cut(must_fire=False):
            pass
        with http_service.at(message_or_request="GET /", sql=None, rows=None).respond(503, must_fire=False):
            pass
        with pytest.raises(TypeError, match="no headers and no body"):
            postgres.at("COMMIT", body="x")
        for wrong in ({}, {"sql": "select"}, {"rows": 1}, {"table": "labs"}):
            with pytest.raises(TypeError, match="neither SQL nor rows"):
                http_service.at(**wrong)

    def test_same_line(service):
        line = service("line")
        assert os.environ["LINE"] == f"{line.host}:{line.port}"
        assert (line.direct_host, line.direct_port) == ("127.0.0.1", 9)
        with pytest.raises(TypeError, match=r"line is a service of kind tcp, .* such as line.down"):
            line.at("GET /").cut()

    def test_registry_is_there_when_asked_for(service):
        assert "MLFLOW_TRACKING_URI" not in os.environ
        assert os.environ["LABS_URL"]
        registry = service("registry")
        assert os.environ["MLFLOW_TRACKING_URI"] == registry.tracking_uri
        assert registry.prefix == os.environ["RESILIENCE_PREFIX"]

    @pytest.mark.chaos
    def test_marker_alone_has_all():
        assert rows() == [(1,)]
        assert urllib.request.urlopen(os.environ["MLFLOW_TRACKING_URI"] + "/health").read() == b"OK"
        assert os.environ["LABS_TOKEN"].startswith("canary")

    def test_alerts_arrive(alert_inbox, postgres):
        body = b'{"text": "database lost"}'
        kind = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(os.environ["HOOK"], body, kind)).close()
        assert alert_inbox.slack[0].body == {"text": "database lost"}

    def test_unmarked_is_as_always():
        assert os.environ["DATABASE_URL"] == "postgresql://production/"
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project that declares one service of each kind."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://production/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://production.example")
    pytester.makepyprojecttoml(textwrap.dedent(CONFIGURATION))
    pytester.path.joinpath("schema.sql").write_text("create table patients as select 1 as id;")
    pytester.path.joinpath("labs_stub.py").write_text(textwrap.dedent(STUB))
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_declared_services(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """Every fixture leads where the declared variable leads, to a state of the test's own; also in workers."""
    project.makepyfile(TESTS)
    result = project.runpytest_subprocess("--chaos", *workers)

    result.assert_outcomes(passed=10)


def test_alerts_of_unmarked_tests(project: pytest.Pytester) -> None:
    """`alert_inbox` needs no `--chaos`, and sets what is declared."""
    project.makepyfile(
        "import os\ndef test_hook(alert_inbox): assert os.environ['HOOK'] == alert_inbox.urls['slack']"
    )

    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_failed_init_is_told_plainly(project: pytest.Pytester) -> None:
    """Each test that needs the service says why it is not there, without a stack."""
    project.path.joinpath("schema.sql").write_text("create table patients (\n  id nonsense\n);")
    project.makepyfile("def test_one(postgres): pass\ndef test_two(postgres): pass")
    result = project.runpytest_subprocess("--chaos")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(['*schema.sql:2: type "nonsense" does not exist*'])
    assert "Traceback" not in result.stdout.str()


def test_several_of_a_kind_are_named(project: pytest.Pytester) -> None:
    """A fixture that could mean two says how to choose."""
    with project.path.joinpath("pyproject.toml").open("a") as file:
        file.write('\n[tool.resilience.services.lake]\nkind = "postgres"\n')
    project.makepyfile(
        "def test_either(postgres): pass\ndef test_lake(service): assert service('lake').name == 'lake'"
    )
    result = project.runpytest_subprocess("--chaos")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*several services of kind postgres are declared, warehouse, lake*"])


def test_wrong_configuration_ends_the_run(project: pytest.Pytester) -> None:
    """What is wrong is told with its line, and nothing is run."""
    with project.path.joinpath("pyproject.toml").open("a") as file:
        file.write('\n[tool.resilience.services.lake]\nkind = "postgre"\n')
    project.makepyfile("def test_plain(): pass")
    result = project.runpytest_subprocess("--chaos")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pyproject.toml:*'postgre'*did you mean 'postgres'*"])
