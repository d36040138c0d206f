"""The JSON Schemas for editors: each property is explained, and a command prints them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_resilience.__main__ import main
from pytest_resilience.schemas import HOMES, schema


def _unexplained(root: dict[str, Any], node: Any, path: str = "") -> Iterator[str]:
    """Find properties that say nothing of themselves, neither where they stand nor where they refer to."""
    if isinstance(node, list):
        for number, value in enumerate(node):
            yield from _unexplained(root, value, f"{path}/{number}")
    if not isinstance(node, dict):
        return
    for name, value in node.get("properties", {}).items() if "/if" not in path else ():
        if (
            isinstance(value, dict)
            and "description" not in _referred(root, value) | value
            and "/then" not in path
        ):
            yield f"{path}/{name}"
    for name, value in node.items():
        yield from _unexplained(root, value, f"{path}/{name}")


def _referred(root: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    target = root
    for step in value.get("$ref", "").removeprefix("#").strip("/").split("/"):
        target = target[step] if step else target
    return target if "$ref" in value else {}


@pytest.mark.parametrize("name", HOMES)
def test_an_editor_can_say_what_each_property_is(name: str) -> None:
    """Schema and properties have words."""
    found = schema(name)

    assert found["title"] == f"{name.capitalize()} of pytest-resilience"
    assert list(_unexplained(found, found)) == []


def test_each_has_a_name_of_its_own() -> None:
    """That of the report is the one which stands in every report."""
    names = {name: schema(name)["$id"] for name in HOMES}
    urns = {name: f"urn:pytest-resilience:{name}:1" for name in HOMES}

    assert names == urns | {"report": schema("report")["properties"]["schema"]["const"]}


@pytest.mark.parametrize("name", HOMES)
def test_schema_is_one(name: str) -> None:
    """Every schema is valid as such."""
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", HOMES)
def test_command_prints_a_schema_or_its_path(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both lead to the same."""
    assert main(["schema", name]) == 0
    printed = capsys.readouterr().out
    assert main(["schema", name, "--path"]) == 0
    path = Path(capsys.readouterr().out.strip())

    assert json.loads(printed) == schema(name) == json.loads(path.read_text(encoding="utf-8"))


def test_no_schema_is_left_out() -> None:
    """Each that the package has can be printed."""
    package = Path(__file__).parents[1] / "pytest_resilience"

    assert {
        str(path.parent.relative_to(package)).replace("/", ".") for path in package.rglob("schema.json")
    } == set(HOMES.values())
