"""Each mistake is refused where it stands, with what to write instead."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pytest_resilience.chaos.configuration.error import ConfigurationError
from pytest_resilience.chaos.configuration.reading import read_configuration

SERVICES = (
    'services = {db = {kind = "postgres", env = {URL = "{dsn}"}}, db2 = {kind = "postgres", env = {URL = "{dsn}"}}, '
    'ml = {kind = "mlflow"}, q = {kind = "tcp", upstream = "h:1"}}\n'
)
JOB = SERVICES + '[workloads.job]\ncommand = ["x"]\n'
FUNCTION = SERVICES + '[workloads.f]\nfunction = "icu_platform.score:score_one"\n'
ONCE = JOB + "[[workloads.job.exactly_once]]\n"
RULE = '[[alerts.rules]]\ncomponent = "db"\n'

BY_SHAPE = {
    # the outermost keys
    'scenaros = "x"': "1:1: scenaros is unknown: did you mean 'scenarios'?",
    'packages = "icu_platform"': "1:1: packages is a text: it has to be a list",
    "packages = [1]": "1:13: packages holds a whole number: each has to be a text",
    'runbooks = ""': "runbooks is blank",
    'waivers = "/etc/passwd"': "which is outside of",
    'drills = "yes"': "1:1: drills is a text: it has to be true or false",
    "drills = 1": "drills is a whole number",
    "time_scale = 0": "time_scale is 0: a number above 0",
    "time_scale = true": "time_scale is true or false: it has to be a number",
    'logs = "../app.log"': "logs names '../app.log'",
    'boundary = "app"': "boundary is 'app': ",
    'canaries = {TOKEN = "{canary}"}': "1:13: canaries.TOKEN is unknown: known are env",
    "canaries = 1979-05-27": "canaries is a date or a time: it has to be a table",
    'copy = ["data", "../data"]': "1:17: copy names '../data', which is outside of",
    'allow_shared = "true"': "allow_shared is a text",
    "production = [[]]": "production holds a list",
    # services
    'services.db = "postgres"': "1:10: services.db is a text: it has to be a table",
    "services.db = {}": "services.db has no kind",
    'services.db.kind = "postgre"': "1:13: services.db.kind is 'postgre': did you mean 'postgres'?",
    'services."my db".kind = "postgres"': "1:10: services.my db is 'my db': a name has letters",
    'services.db = {kind = "postgres", envs = {}}': "services.db.envs is unknown: did you mean 'env'?",
    'services.db = {kind = "postgres", env = {A-B = "{dsn}"}}': "an environment variable has letters",
    'services.db = {kind = "postgres", env = {PORT = 1}}': "services.db.env.PORT is a whole number: it has to be",
    'services.db = {kind = "postgres", dialect = "mysql"}': "services.db.dialect is 'mysql'",
    'services.db = {kind = "postgres", dialect = "postgresql+psycopg2://"}': "services.db.dialect is",
    'services.db = {kind = "postgres", init = "schema.sql"}': "services.db.init is a text: it has to be a list",
    'services.db = {kind = "postgres", upstream = "h:1"}': "services.db.upstream means nothing here",
    'services.ml = {kind = "mlflow", dialect = "postgresql"}': "services.ml.dialect means nothing here",
    'services.h = {kind = "http"}': "services.h has no upstream",
    'services.h = {kind = "http", upstream = "http://h", init = ["x"]}': "services.h.init means nothing here",
    'services.h = {kind = "http", upstream = "http://h", tls = "yes"}': "services.h.tls is a text",
    'services.q = {kind = "tcp", upstream = "h:1", tls = true}': "services.q.tls means nothing here",
    # alerts
    "[alerts]": "1:2: alerts is empty",
    'alerts = {envs = {A = "b"}}': "alerts.envs is unknown: did you mean 'env'?",
    RULE: "1:10: alerts.rules[0] has no severity",
    f'{RULE}severity = "critical"': "3:1: alerts.rules[0].severity is 'critical': did you mean 'CRITICAL'?",
    f'{RULE}severity = "HIGH"\ncount = 0': "alerts.rules[0].count is 0: at least 1",
    f'{RULE}severity = "HIGH"\nwithin = 0': "alerts.rules[0].within is 0: a time above 0",
    f'{RULE}severity = "HIGH"\nlevel = "WARN"': "did you mean 'WARNING'?",
    # workloads
    "[workloads.w]": "1:12: workloads.w needs command = ",
    f"{JOB}deadline = 0": "workloads.job.deadline is 0: a time above 0",
    f"{JOB}deadline = '1d'": "workloads.job.deadline is '1d': write seconds as a number",
    f"{JOB}resume = 'again'": "workloads.job.resume is 'again'",
    f"{JOB}start = 'prepare'": "did you mean 'prepared'?",
    f"{JOB}major_operation = 1": "workloads.job.major_operation is a whole number",
    f"{JOB}calls = 3": "workloads.job.calls means nothing here: only a function",
    f"{JOB}rollback = []": "workloads.job.rollback is empty",
    f"{JOB}comand = 'x'": "workloads.job.comand is unknown: did you mean 'command'?",
    f"{JOB}exactly_once = {{}}": "workloads.job.exactly_once is a table: it has to be a list",
    f"{ONCE}service = 'db'\ntable = 't'": "4:17: workloads.job.exactly_once[0] needs key",
    f"{ONCE}service = 'db'\ntable = 't'\nkey = ['a']\nwhere = 'x'": "exactly_once[0].where is unknown",
    f"{JOB}[[workloads.job.atomic]]\nservice = 'db'": "workloads.job.atomic[0] has no sql",
    f"{FUNCTION}command = ['x']": "3:1: workloads.f has a command and a function: one of them",
    f"{FUNCTION}ready = 'GET /'": "4:1: workloads.f.ready means nothing here: only a server answers",
    f"{FUNCTION}drive = {{request = 'GET /'}}": "workloads.f.drive means nothing here",
    f"{FUNCTION}calls = 0": "workloads.f.calls is 0: at least 1",
    f"{FUNCTION}calls = 1.5": "workloads.f.calls is a number: it has to be a whole number",
    f"{FUNCTION}every = -1": "workloads.f.every is -1: it cannot be negative",
    '[workloads.f]\nfunction = "icu_platform.score"': "2:1: workloads.f.function is 'icu_platform.score': a func",
    '[workloads.s]\ncommand = ["{port}"]\nevery = 1': "the pace of requests is drive.every",
    '[workloads.s]\ncommand = ["{port}"]\nready = "/health"': "workloads.s.ready is '/health': a request is",
    '[workloads.s]\ncommand = ["{port}"]\ndrive = {}': "workloads.s.drive has no request",
    '[workloads.s]\ncommand = ["{port}"]\ndrive = {request = "GET /", body = "../x"}': "3:29: workloads.s.drive.body",
    '[workloads.s]\ncommand = ["{port}"]\ndrive = {request = "GET /", headers = {"a b" = "c"}}': "a header has letters",
    '[workloads.s]\ncommand = ["{port}"]\ndrive = {request = "GET /", headers = {a = "{guid}"}}': "did you mean 'uuid'",
    '[workloads.s]\ncommand = ["{port}"]\ndrive = {request = "GET /", headers = {a = "b\\nc: d"}}': "one line of ASCII",
    '[workloads.s]\ncommand = ["{port}"]\ndrive = {request = "GET /", every = 0}': "drive.every is 0: a time above 0",
    # external services
}
"""What a schema can know: keys, types, forms."""

BY_MEANING = {
    # the outermost keys
    'packages = ["icu_platfrm"]': "did you mean 'icu_platform'?",
    'packages = ["icu_platform.scores"]': "did you mean 'icu_platform.score'?",
    'scenarios = "scenario"': "1:1: scenarios names 'scenario', and there is no such folder",
    'runbooks = "runbook"': "did you mean 'runbooks'?",
    'runbooks = "schema.sql"': "there is no such folder",
    'waivers = "waivers.toml"': "there is no such file",
    "time_scale = nan": "time_scale is nan",
    "time_scale = inf": "time_scale is inf",
    'canaries = {env = {TOKEN = "{canery}"}}': "1:20: canaries.env.TOKEN: {canery} is no placeholder here: did you",
    'canaries = {env = {TOKEN = "abc"}}': "1:20: canaries.env.TOKEN has no {canary} in it",
    'link = ["dta"]': "did you mean 'data'?",
    # services
    'services.db = {kind = "postgres", env = {A = "{url}"}}': "{url} is no placeholder here: known are dsn, host",
    'services.db = {kind = "postgres", env = {A = "{dsn"}}': "a '{' stands alone",
    'services.db = {kind = "postgres", init = ["shema.sql"]}': "1:43: services.db.init names 'shema.sql'",
    'services.db = {kind = "postgres", init = ["../schema.sql"]}': "which is outside of",
    'services.db = {kind = "postgres", init = ["{pyton} x"]}': "{pyton} is no placeholder here: did you mean 'python'",
    'services.db = {kind = "postgres", init = ["x \'"]}': "services.db.init is no command: No closing quotation",
    'services.ml = {kind = "mlflow", init = ["schema.sql"]}': "mlflow takes no SQL",
    'services.ml = {kind = "mlflow", env = {A = "{dsn}"}}': "{dsn} is no placeholder here",
    'services.h = {kind = "http", upstream = "{python} -m x"}': "services.h.upstream is a command without {port}",
    'services.h = {kind = "http", upstream = "x {port} {ports}"}': "{ports} is no placeholder here",
    'services.h = {kind = "http", upstream = "ftp://x"}': "services.h.upstream: an address that begins with http://",
    'services.q = {kind = "tcp", upstream = "redis://h:1"}': 'services.q.upstream: an address is "host:port"',
    # alerts
    'alerts = {env = {A = "{pagerdutty}"}}': "did you mean 'pagerduty'?",
    f'{RULE}severity = "HIGH"\nmatches = "("': "4:1: alerts.rules[0].matches is no regular expression",
    # workloads
    f"{JOB}uses = ['dbs']": "4:9: workloads.job.uses names 'dbs', and no service is called so: did you mean 'db'?",
    f"{JOB}uses = ['db', 'db']": "4:1: workloads.job.uses names 'db' 2 times: once is enough",
    f"{JOB}uses = ['db', 'db2']": "4:1: workloads.job.uses: db and db2 both set URL",
    f"{JOB}snapshot = ['q']": "workloads.job.snapshot names 'q', which is tcp: it has to be postgres or mlflow",
    f"{JOB}deadline = inf": "workloads.job.deadline is inf",
    f"{JOB}ready = 'GET /health'": "nothing tells workloads.job its port",
    f"{JOB}mask = ['t.c']": "4:9: workloads.job.mask is 't.c': a column is",
    f"{JOB}rollback = 'icu_platfrm.score:undo'": "workloads.job.rollback: no module 'icu_platfrm.score'",
    f"{JOB}rollback = 'icu_platform.score:undone'": "score.py has no 'undone'",
    f"{SERVICES}[workloads.f]\nfunction = 'icu_platform.score:scor_one'": "has no 'scor_one': did you mean 'score_one'",
    "logs = 'data'": "1:1: logs names 'data', which is a folder: name the file in it",
    f"{JOB}rollback = '{{port}}'": "{port} is no placeholder here",
    f"{JOB}env = {{A = '{{pyton}}'}}": "{pyton} is no placeholder here",
    f"{ONCE}service = 'ml'\ntable = 't'\nkey = ['a']": "5:1: workloads.job.exactly_once[0].service names 'ml', which",
    f"{ONCE}service = 'db'\ntable = 'a.b.c'\nkey = ['a']": "6:1: workloads.job.exactly_once[0].table is 'a.b.c'",
    f"{ONCE}service = 'db'\ntable = 't'\nkey = ['stay']\nrows = 'data/icustays.csv'": "has no column 'stay': did you",
    f"{ONCE}service = 'db'\ntable = 't'\nkey = ['stay_id']\nrows = 'data/icustay.csv'": "did you mean 'icustays.csv'?",
    f"{SERVICES}[workloads.db]\ncommand = ['x']": "2:12: 'db' is a service and a workload",
    # external services
    f"{SERVICES}external = {{dbs = 'x'}}": "2:13: external names 'dbs', and no service is called so: did you",
    f"{SERVICES}external = {{db = 'http://h'}}": "external.db is no address of postgres",
    f"{SERVICES}external = {{q = 'h'}}": 'external.q is no address of tcp: an address is "host:port"',
}
"""What takes more: files, placeholders, other declarations."""

REFUSED = BY_SHAPE | BY_MEANING


@pytest.mark.parametrize(("text", "expected"), REFUSED.items())
def test_refused(refuse, text: str, expected: str) -> None:
    """One mistake is one complaint, or a few of one place."""
    complaints = refuse(text)

    assert [complaint for complaint in complaints if expected in complaint], complaints
    assert len(complaints) <= 2, complaints


@pytest.mark.parametrize("text", REFUSED)
def test_the_schema_knows_what_a_schema_can_know(text: str) -> None:
    """An editor marks these too, and no more than these."""
    schema = files("pytest_resilience.chaos.configuration").joinpath("schema.json").read_text("utf-8")

    assert Draft202012Validator(json.loads(schema)).is_valid(tomllib.loads(text)) == (text in BY_MEANING)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = ", "1:5: this is not TOML: Invalid value"),
        ("[services]\nx = 1\nx = 2\n", "3:6: this is not TOML: Cannot overwrite a value"),
        ("a = 1\nb = 'x", "2:7: this is not TOML"),
        ('"' * 3, "1:3: this is not TOML"),
        ("a = " + "[" * 5000, "nested too deeply"),
    ],
)
def test_syntax_errors_have_a_place(refuse, text: str, expected: str) -> None:
    """They come in the same form."""
    (complaint,) = refuse(text)

    assert expected in complaint


def test_bytes_that_are_no_text(project: Path) -> None:
    """The place of the first wrong byte is told."""
    (project / "resilience.toml").write_bytes(b"drills = true\nlogs = '\xff'\n")
    with pytest.raises(ConfigurationError, match=r"resilience\.toml:2:9: this is not UTF-8"):
        read_configuration(project)


def test_mark_of_windows_editors(project: Path) -> None:
    """A byte order mark is no mistake."""
    (project / "resilience.toml").write_bytes(b"\xef\xbb\xbfdrills = true\r\n")

    assert read_configuration(project).drills


def test_prefix_in_the_wrong_file(refuse) -> None:
    """What was moved from pyproject.toml keeps its prefix easily."""
    assert refuse("[tool.resilience]\n") == [
        "1:7: in resilience.toml the keys stand without the prefix [tool.resilience]: take it away"
    ]


@pytest.mark.parametrize(
    "name", ["resilence", "resiliance", "Resilience", "pytest-resilience", "pytest_resilience"]
)
def test_a_table_that_is_nearly_ours(project: Path, name: str) -> None:
    """Whoever writes it believes that something is declared."""
    (project / "pyproject.toml").write_text(f"[project]\nname = 'a'\n[tool.{name}]\ndrills = true\n")

    with pytest.raises(
        ConfigurationError, match=rf"pyproject.toml:3:\d+: \[tool.{name}\] is unknown: did you mean"
    ):
        read_configuration(project)


@pytest.mark.parametrize("name", ["resilient", "resilience4py", "silence", "ruff"])
def test_a_table_of_another_tool(project: Path, name: str) -> None:
    """It is passed over."""
    (project / "pyproject.toml").write_text(f"[tool.{name}]\ndrills = true\n")

    assert read_configuration(project).file is None


def test_links_that_lead_out(refuse, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A symbolic link is where it leads to."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "a.sql").write_text("")
    (project / "linked").symlink_to(elsewhere)
    (complaint,) = refuse('services.db = {kind = "postgres", init = ["linked/a.sql"]}')

    assert "which is outside of" in complaint


def test_secrets_are_not_shown(refuse) -> None:
    """Addresses and misplaced values may have passwords in them."""
    complaints = refuse("""
        production = "s3cret"
        external = {db = "mysql://root:s3cret@h", nothing = "s3cret"}
        [services.db]
        kind = "postgres"
        env = {A = "s3cret{dns}"}
        [services.h]
        kind = "http"
        upstream = "ftp://u:s3cret@h"
    """)

    assert len(complaints) == 5
    assert "s3cret" not in "".join(complaints)


def test_all_at_once_in_the_order_of_the_file(refuse) -> None:
    """Nobody wants to start ten times to learn of ten mistakes."""
    complaints = refuse("""
        [workloads.b]
        command = ["x"]
        uses = ["no", "nor"]
        calls = 2
        [services.a]
        kind = "htp"
        [workloads.c]
    """)
    places = [complaint.split(": ")[0] for complaint in complaints]

    assert places == ["4:17", "4:23", "5:9", "7:9", "8:20"]
