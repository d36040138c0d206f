"""The built wheel works in a project that knows nothing of this one."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "tests" / "examples" / "readme" / "test_lost_commit.py").read_text(encoding="utf-8")


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    _run(*build, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_the_package_alone(wheel: Path) -> None:
    """All modules and data files are in it, and no test, scenario or benchmark."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "pytest_resilience").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert names == here


def test_wheel_needs_nothing_in_production(wheel: Path) -> None:
    """The base install has no dependencies, and the plugin is found by its entry point."""
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
    needed = [
        line
        for line in archive.read(metadata).decode().splitlines()
        if line.startswith("Requires-Dist") and "extra ==" not in line
    ]
    (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]

    assert needed == []
    assert archive.read(points).decode().split() == [
        "[pytest11]",
        "resilience",
        "=",
        "pytest_resilience.plugin",
    ]


def test_installed_wheel_in_an_unrelated_project(wheel: Path, tmp_path: Path) -> None:
    """With only a test file, `pytest --chaos` is green, and plain `pytest` skips with the reason."""
    environment = tmp_path / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", str(environment), cwd=tmp_path)
    python = str(environment / "bin" / "python")
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", str(wheel), cwd=tmp_path)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(_run(python, "-c", where, cwd=tmp_path).strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_lost_commit.py").write_text(PROJECT)

    origin = _run(python, "-c", "import pytest_resilience as p; print(p.__file__)", cwd=project)
    plain = _run(python, "-m", "pytest", "-rs", cwd=project)
    chaos = _run(python, "-m", "pytest", "--chaos", cwd=project)

    assert Path(origin.strip()).is_relative_to(site)
    assert "1 skipped" in plain
    assert "run with --chaos" in plain
    assert "1 passed" in chaos
