"""Where commands lead into a team's code, also through servers and frameworks that load it."""

from __future__ import annotations

import shlex

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.checklist.experiments.outside import entry_points, evidence_outside_of_runs
from pytest_resilience.checklist.static import EntryPoint


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python -m jobs.load --all", [EntryPoint(module="jobs.load")]),
        ("python bin/run.py", [EntryPoint(script="bin/run.py")]),
        ("gunicorn -b 127.0.0.1:8000 wards.web:app", [EntryPoint(module="wards.web")]),
        ("python -m uvicorn wards.web:app", [EntryPoint(module="uvicorn"), EntryPoint(module="wards.web")]),
        ("waitress-serve --call 'wards.web:make(1)'", [EntryPoint(module="wards.web")]),
        ("celery -A wards.tasks worker", [EntryPoint(module="wards.tasks")]),
        ("flask --app wards run", [EntryPoint(module="wards")]),
        (
            "python manage.py import_stays --day today",
            [EntryPoint(script="manage.py"), EntryPoint(script="management/commands/import_stays.py")],
        ),
        ("python -m django", [EntryPoint(module="django")]),
        ("labs-loader --url http://labs:80", []),
    ],
)
def test_what_a_command_loads(command, expected):
    """A module, a script, and what servers, Celery, Flask and Django are told to load."""
    assert entry_points(shlex.split(command)) == expected


def test_a_function_is_its_own_entry_point():
    """As the configuration writes it."""
    assert entry_points("wards:load") == [EntryPoint(function="wards:load")]


def static_findings(folder):
    """Return what the static checks say of external calls."""
    return [
        each
        for each in evidence_outside_of_runs(read_configuration(folder))
        if each.item == "external-calls" and each.kind == "static"
    ]


CALL = """
import requests

def handle():
    return requests.get("http://labs", timeout=1).json()

VALUES = handle()
"""


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("wards/web.py", "gunicorn wards.web:handle"),
        ("wards/management/commands/load.py", "python manage.py load"),
    ],
)
def test_code_that_a_framework_loads_is_declared(tmp_path, path, command):
    """A call in it that fails is not said to be out of reach of the workloads."""
    for name in ("wards/__init__.py", "manage.py", "other.py", path):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / path).write_text(CALL)
    words = ", ".join(f'"{word}"' for word in command.split())
    (tmp_path / "resilience.toml").write_text(
        f'packages = ["wards"]\n[workloads.it]\ncommand = [{words}]\n'
        '[workloads.other]\ncommand = ["{python}", "other.py"]\n'
    )
    found = static_findings(tmp_path)

    assert [(each.outcome, "No declared workload" in each.why) for each in found] == [("failed", False)]


@pytest.mark.parametrize(
    ("step", "judged"),
    [
        ("{python} fill.py", False),
        ("{python} -m fill", False),
        ("{python} wards/fill.py", True),
        ("{python} -m wards.fill", True),
        ("{python} -m wardship.fill", False),
    ],
)
def test_what_fills_a_sandbox_is_judged_where_it_is_declared(tmp_path, step, judged):
    """A script that registers a first model is not deployed, and may stop with a library's error."""
    for name in ("wards/__init__.py", "wards/fill.py", "wardship/__init__.py", "wardship/fill.py", "fill.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(CALL if name.endswith("fill.py") else "")
    (tmp_path / "resilience.toml").write_text(
        f'packages = ["wards"]\n[services.w]\nkind = "postgres"\nenv = {{ W = "{{dsn}}" }}\ninit = ["{step}"]\n'
        '[workloads.other]\ncommand = ["{python}", "other.py"]\n'
    )
    found = static_findings(tmp_path)

    assert {each.subject.partition(":")[0] for each in found} == {"wards/fill.py"}
    assert any("No declared workload" in each.why for each in found) != judged
