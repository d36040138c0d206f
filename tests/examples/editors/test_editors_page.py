"""The page on editors: the schemas come where the files say, and the files are what the schemas ask for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parent
WRITTEN = {"lost.yaml": "scenarios", "resilience.toml": ".", "waivers.toml": "."}
SCHEMA = re.compile(r"schema[= ](\S+)")


@pytest.fixture
def project(tmp_path):
    """A project with the page's files, where a reader has them, and the schemas that its script writes."""
    for name, folder in WRITTEN.items():
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(HERE / name, tmp_path / folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["/bin/sh", HERE / "schemas.sh"], cwd=tmp_path, env=os.environ | {"PATH": path}, check=True
    )
    return tmp_path


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_names_its_schema_and_keeps_to_it(project, name):
    """As an editor reads it, from the folder of the file."""
    file = project / WRITTEN[name] / name
    text = file.read_text(encoding="utf-8")
    (named,) = SCHEMA.findall(text.splitlines()[0])
    schema = json.loads((file.parent / named).read_text(encoding="utf-8"))
    value = (
        YAML(typ="safe").load(text)
        if file.suffix == ".yaml"
        else json.loads(json.dumps(tomllib.loads(text), default=str))
    )

    jsonschema.validate(value, schema, jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"misspelt": 1}, schema, jsonschema.Draft202012Validator)


def test_settings_lead_to_a_schema(project):
    """VS Code's, from the project's folder."""
    (named,) = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))["yaml.schemas"]

    assert (project / named).exists()


def test_the_typed_test_passes(pytester):
    """And needs no configuration."""
    shutil.copy(HERE / "typed.py", pytester.path / "test_typed.py")

    pytester.runpytest_subprocess("--chaos").assert_outcomes(passed=1)
