"""What is declared is read with its defaults written out, from one of two files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.error import ConfigurationError
from pytest_resilience.chaos.configuration.model import AlertRule, Configuration, Drive
from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.errors import HarnessError

EVERYTHING = Path(__file__).parents[2] / "examples" / "configuration" / "everything.toml"


def test_nothing_declared(tmp_path: Path) -> None:
    """Without a file, and with a pyproject.toml of other tools alone, the defaults hold."""
    expected = Configuration(folder=tmp_path, scenarios=tmp_path / "scenarios")

    assert read_configuration(tmp_path) == expected

    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n[project]\nname = 'x'\n")

    assert read_configuration(tmp_path) == expected


def test_the_whole_example(project: Path) -> None:
    """The page's example is read to what it says."""
    (project / "pyproject.toml").write_text(EVERYTHING.read_text())

    configuration = read_configuration(project)
    ingest, api, score = configuration.workloads.values()

    assert list(configuration.services) == ["warehouse", "labs", "registry"]
    assert configuration.canaries == {"LABS_TOKEN": "{canary}"}
    assert configuration.runbooks == project / "runbooks"
    assert configuration.waivers == project / "resilience-waivers.toml"
    assert configuration.services["warehouse"].init == ("schema.sql", "{python} -m alembic upgrade head")
    assert (ingest.shape, ingest.restarts, ingest.exactly_once[0].key) == ("job", 3, ("stay_id",))
    assert ingest.atomic[0].sql.startswith("select (select")
    assert (api.shape, api.ready) == ("server", "GET /health")
    assert api.drive == Drive(request="POST /predict", body="sample.json", every=0.1)
    assert (score.shape, score.calls, score.every) == ("function", 50, 0.05)


def test_both_files_say_the_same(project: Path) -> None:
    """`resilience.toml` is the same without the prefix."""
    text = EVERYTHING.read_text()
    (project / "pyproject.toml").write_text(text)
    with_prefix = read_configuration(project)
    (project / "pyproject.toml").unlink()
    own = text.replace("[tool.resilience]\n", "").replace("tool.resilience.", "")
    first_line = own.splitlines()[0]
    (project / "resilience.toml").write_text(own)
    without = read_configuration(project)

    assert first_line.startswith("packages")
    assert without.services == with_prefix.services
    assert without.workloads == with_prefix.workloads
    assert without.file == project / "resilience.toml"


def test_both_files_are_one_too_many(project: Path) -> None:
    """Which of the two holds would be a guess."""
    (project / "resilience.toml").write_text("")
    (project / "pyproject.toml").write_text("\n[tool.resilience]\n")
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml:2:7: there is a resilience\.toml too"):
        read_configuration(project)


def test_an_error_of_the_harness(project: Path) -> None:
    """It is never the tested code's fault, and tells each complaint with its place."""
    (project / "resilience.toml").write_text("a = 1\nb = 2\n")
    with pytest.raises(HarnessError) as caught:
        read_configuration(project)

    lines = str(caught.value).splitlines()

    assert lines[0] == "2 things are wrong in the configuration:"
    assert lines[1].startswith(f"{project}/resilience.toml:1:1: a is unknown: ")
    assert lines[2].startswith(f"{project}/resilience.toml:2:1: b is unknown: ")


def test_defaults_of_a_service_and_a_workload(read) -> None:
    """Little has to be written."""
    configuration = read("""
        services.db.kind = "postgres"
        workloads.job.command = "{python} -m 'job one'"
    """)
    service, job = configuration.services["db"], configuration.workloads["job"]

    assert (service.component, service.dialect, service.tls) == ("db", "postgresql", False)
    assert job.command == ("{python}", "-m", "job one")
    assert (job.shape, job.resume, job.deadline, job.start) == ("job", "none", 60.0, "plain")


def test_durations_are_seconds(read) -> None:
    """Numbers or texts with a unit."""
    configuration = read("""
        [workloads.job]
        command = ["x"]
        deadline = "1500ms"
        [workloads.function]
        function = "icu_platform.score:score_one"
        every = 0
        deadline = 2
    """)

    assert configuration.workloads["job"].deadline == 1.5
    assert configuration.workloads["function"].deadline == 2.0
    assert configuration.workloads["function"].every == 0.0


@pytest.mark.parametrize(
    ("keys", "shape"),
    [
        ('command = ["x"]', "job"),
        ('command = ["x", "{port}"]', "server"),
        ('command = "x {port}"\nready = "GET /"', "server"),
        ('command = ["x"]\nenv = {PORT = "{port}"}\ndrive = {request = "GET /"}', "server"),
        ('function = "icu_platform:main"', "function"),
    ],
)
def test_shapes(read, keys: str, shape: str) -> None:
    """What a workload is, is told by its keys."""
    assert read(f"[workloads.w]\n{keys}\n").workloads["w"].shape == shape


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"icu_platform.score:undo"', "icu_platform.score:undo"),
        ('"{python} -m undo"', ("{python}", "-m", "undo")),
        ('["undo", "--all"]', ("undo", "--all")),
    ],
)
def test_rollbacks(read, written: str, expected: object) -> None:
    """A command, or a function."""
    for entry in ('command = ["x"]', 'function = "icu_platform.score:score_one"'):
        assert read(f"[workloads.w]\n{entry}\nrollback = {written}\n").workloads["w"].rollback == expected


def test_alert_rules(read) -> None:
    """Alerting that is done elsewhere is declared as rules on log lines."""
    configuration = read("""
        [[alerts.rules]]
        severity = "CRITICAL"
        component = "database"
        level = "ERROR"
        matches = "lost|gone"
        count = 3
        within = "1m"
    """)
    expected = AlertRule(
        severity="CRITICAL", component="database", level="ERROR", matches="lost|gone", count=3, within=60.0
    )

    assert configuration.alerts is not None
    assert configuration.alerts.rules == (expected,)
    assert read("").alerts is None


def test_external_services(read) -> None:
    """Their addresses, and what guards the wrong ones."""
    configuration = read("""
        external = {db = "postgresql://u@h/d", ml = "https://mlflow.test", q = "[::1]:6379"}
        allow_shared = true
        production = ["db.hospital.example"]
        [services]
        db = {kind = "postgres"}
        ml = {kind = "mlflow"}
        q = {kind = "tcp", upstream = "localhost:6379"}
    """)

    assert configuration.external["ml"] == "https://mlflow.test"
    assert configuration.allow_shared
    assert configuration.production == ("db.hospital.example",)


def test_packages_are_found_without_importing_them(read, project: Path) -> None:
    """Below the folder, in `src`, anywhere below, or where Python finds them; by name or by path."""
    for place in ("src/one", "apps/deep/two"):
        (project / place).mkdir(parents=True)
        (project / place / "__init__.py").write_text("raise SystemExit('imported')")
    (project / "three.py").write_text("raise SystemExit('imported')")
    names = ("one", "two", "three", "icu_platform.score", "apps/deep/two", "three.py", "json", "xml.dom")

    assert read(f"packages = {list(names)}").packages == names


def test_folders_by_convention(project: Path, tmp_path: Path) -> None:
    """Runbooks and waivers that have the usual names are found without being declared."""
    (project / "resilience.toml").write_text("")
    configuration = read_configuration(project)

    assert configuration.runbooks == tmp_path / "runbooks"
    assert configuration.waivers == tmp_path / "resilience-waivers.toml"


@pytest.mark.parametrize(
    "text",
    [
        "def score(): pass",
        "async def score(): pass",
        "class score: pass",
        "from elsewhere import one as score",
        "from elsewhere import *",
        "try:\n    import score\nexcept ImportError:\n    score = None",
        "if True:\n    def score(): pass",
        "score = other = print",
        "first, score = print, print",
        "def __getattr__(name): return print",
        "globals()['score'] = print",
        "def set():\n    global score\n    score = print",
        "no Python",
    ],
)
def test_functions_are_found_however_they_are_bound(project: Path, text: str) -> None:
    """What only running the module would tell is believed."""
    (project / "bound.py").write_text(text)
    (project / "resilience.toml").write_text('[workloads.f]\nfunction = "bound:score"\n')

    assert read_configuration(project).workloads["f"].function == "bound:score"
