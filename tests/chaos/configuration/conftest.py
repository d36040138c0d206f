"""Projects with a configuration, written to a folder of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.error import ConfigurationError
from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.configuration.reading import read_configuration

Read = Callable[[str], Configuration]
Refuse = Callable[[str], list[str]]

FILES = {
    "schema.sql": "create table t (x int);",
    "sample.json": "{}",
    "data/icustays.csv": "stay_id,intime\n1,2\n",
    "icu_platform/__init__.py": "def main(): ...\ndef undo(): ...",
    "icu_platform/score.py": "def score_one(): ...\ndef undo(): ...",
    "scenarios/lost.yaml": "",
    "runbooks/database.md": "",
    "resilience-waivers.toml": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files that configurations name."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def read(project: Path) -> Read:
    """Read a text as `resilience.toml`."""

    def _read(text: str) -> Configuration:
        (project / "resilience.toml").write_text(text)
        return read_configuration(project)

    return _read


@pytest.fixture
def refuse(read: Read) -> Refuse:
    """Return the complaints about a text, each as `line:column: message`."""

    def _refuse(text: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            read(text)
        complaints = caught.value.complaints
        assert all(str(complaint) in str(caught.value) for complaint in complaints)
        return [f"{each.position.line}:{each.position.column}: {each.message}" for each in complaints]

    return _refuse
