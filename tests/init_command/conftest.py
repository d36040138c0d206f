"""Sample projects, as different as teams are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_resilience.__main__ import main
from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.configuration.reading import read_configuration

Files = Mapping[str, str]
Initialised = Callable[..., Configuration]


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Files], Path]:
    """Write a project."""

    def _write(files: Files) -> Path:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return _write


@pytest.fixture
def initialised(project: Callable[[Files], Path], monkeypatch: pytest.MonkeyPatch) -> Initialised:
    """Write a project, run `init` in it, and read what it wrote as a run would."""

    def _initialised(files: Files, *options: str) -> Configuration:
        folder = project(files)
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path])

        assert main(["init", "--folder", str(folder), *options]) == 0
        return read_configuration(folder)

    return _initialised
