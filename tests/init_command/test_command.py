"""`python -m pytest_resilience init` writes once, says what comes next, and overwrites nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_resilience.__main__ import main
from pytest_resilience.chaos.configuration.reading import read_configuration

APP = {"job.py": "import os, psycopg2\nos.environ['DATABASE_URL']\nif __name__ == '__main__':\n    ...\n"}


def test_from_the_shell(project) -> None:
    """In the folder where it is started."""
    folder = project(APP)
    command = (sys.executable, "-m", "pytest_resilience", "init")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"Wrote {folder / 'resilience.toml'}. Next:" in done.stdout
    assert "--checklist-mode=warn" in done.stdout
    assert list(read_configuration(folder).workloads) == ["job"]


def test_dry_run_writes_nothing(project, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the file instead, also where there is one."""
    folder = project({**APP, "resilience.toml": "# mine\n"})

    assert main(["init", "--folder", str(folder), "--dry-run"]) == 0
    assert "[services.database]" in capsys.readouterr().out
    assert (folder / "resilience.toml").read_text() == "# mine\n"
    assert sorted(path.name for path in folder.iterdir()) == ["job.py", "resilience.toml"]


def test_nothing_is_overwritten(project, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --force what a team wrote stays."""
    folder = project({**APP, "resilience.toml": "# mine\n"})

    assert main(["init", "--folder", str(folder)]) == 4
    assert "--force replaces it" in capsys.readouterr().err
    assert (folder / "resilience.toml").read_text() == "# mine\n"
    assert main(["init", "--folder", str(folder), "--force"]) == 0
    assert "[services.database]" in (folder / "resilience.toml").read_text()


def test_appended_to_pyproject(project) -> None:
    """What stands there stays, and the new part is read."""
    before = "[project]\nname = 'x'\n\n[tool.ruff]\nline-length = 80"
    folder = project({**APP, "pyproject.toml": before})

    assert main(["init", "--folder", str(folder), "--pyproject"]) == 0

    after = (folder / "pyproject.toml").read_text()

    assert after.startswith(f"{before}\n\n# Guessed by")
    assert "[tool.resilience.services.database]" in after
    assert list(read_configuration(folder).services) == ["database"]


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"pyproject.toml": "[tool.resilience]\n"}, (), "has a [tool.resilience] already"),
        ({"pyproject.toml": "[tool.resilience]\n"}, ("--force",), "has a [tool.resilience] already"),
        ({"pyproject.toml": "[tool.resilience]\n"}, ("--pyproject",), "has a [tool.resilience] already"),
        ({"resilience.toml": ""}, ("--pyproject", "--force"), "having both is an error"),
        ({"pyproject.toml": "[tool\n"}, ("--pyproject",), "this is not TOML"),
        (
            {"pyproject.toml": "tool = {x = 1}\n"},
            ("--pyproject",),
            "was not written, since it would be refused",
        ),
    ],
)
def test_refused(project, capsys: pytest.CaptureFixture[str], files, options, message: str) -> None:
    """Where two configurations, or a broken file, would come of it."""
    folder = project({**APP, **files})

    assert main(["init", "--folder", str(folder), *options]) == 4
    assert message in capsys.readouterr().err
    assert {name: (folder / name).read_text() for name in files} == files


def test_no_such_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says so."""
    assert main(["init", "--folder", str(tmp_path / "nowhere")]) == 4
    assert "is no folder" in capsys.readouterr().err
