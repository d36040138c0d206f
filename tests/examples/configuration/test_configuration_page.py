"""Every configuration on the page is accepted in a project that has the files it names."""

from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration

HERE = Path(__file__).parent
FILES = {
    "schema.sql": "",
    "sample.json": "{}",
    "data/icustays.csv": "stay_id\n1\n",
    "icu_platform/score.py": "def score_one(): ...\n",
    "scenarios/lost.yaml": "",
    "runbooks/database.md": "",
    "resilience-waivers.toml": "",
}


@pytest.mark.parametrize("example", sorted(HERE.glob("*.toml")), ids=lambda file: file.name)
def test_example(example, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    text = example.read_text(encoding="utf-8")
    name = "pyproject.toml" if "[tool.resilience]" in text else "resilience.toml"
    (tmp_path / name).write_text(text)

    assert read_configuration(tmp_path).file == tmp_path / name
