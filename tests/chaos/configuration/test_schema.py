"""The published JSON Schema and the reader agree, so that an editor and a run say the same."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_resilience.chaos.configuration import alerts, promises, services, settings, workloads
from pytest_resilience.chaos.configuration.error import ConfigurationError

SCHEMA = json.loads(files("pytest_resilience.chaos.configuration").joinpath("schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
EXAMPLES = Path(__file__).parents[2] / "examples" / "configuration"

TOP = SCHEMA["properties"]
SERVICE = TOP["services"]["additionalProperties"]
WORKLOAD = TOP["workloads"]["additionalProperties"]["properties"]


def test_the_schema_is_one() -> None:
    """It follows its own schema."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("described", "known"),
    [
        (TOP, settings.KEYS),
        (SERVICE["properties"], services.KEYS),
        (WORKLOAD, workloads.KEYS),
        (WORKLOAD["drive"]["properties"], workloads.DRIVE_KEYS),
        (WORKLOAD["exactly_once"]["items"]["properties"], promises.EXACTLY_ONCE_KEYS),
        (WORKLOAD["atomic"]["items"]["properties"], promises.ATOMIC_KEYS),
        (TOP["alerts"]["properties"], alerts.KEYS),
        (TOP["alerts"]["properties"]["rules"]["items"]["properties"], alerts.RULE_KEYS),
    ],
    ids=["top", "service", "workload", "drive", "exactly_once", "atomic", "alerts", "rule"],
)
def test_the_same_keys_each_described(described: dict[str, Any], known: tuple[str, ...]) -> None:
    """No key is known to one of the two alone, and an editor has something to show for each."""
    assert sorted(described) == sorted(known)
    assert [key for key, value in described.items() if not value.get("description")] == []


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.name)
def test_examples_are_valid(file: Path) -> None:
    """What the page shows passes."""
    values = tomllib.loads(file.read_text())

    assert list(VALIDATOR.iter_errors(values.get("tool", {}).get("resilience", values))) == []


VALID = (
    "",
    'services.db = {kind = "postgres", dialect = "postgres+asyncpg", init = ["schema.sql", "x"], env = {A = ""}}',
    'services.h = {kind = "http", upstream = "https://h/x", tls = true}',
    'services.q = {kind = "tcp", upstream = "x {port}"}\nexternal = {q = "h:1"}',
    'workloads.j = {command = "x y", rollback = "icu_platform:undo", deadline = "1.5 m", start = "prepared"}',
    'workloads.s = {command = ["{port}"], ready = "GET /", drive = {request = "PUT /x", every = "5ms"}}',
    'workloads.t = {command = ["{port}"], drive = {request = "GET /x", headers = {Accept = "a", X-Key = "{uuid}"}}}',
    'workloads.f = {function = "icu_platform:main", every = 0, calls = 2, rollback = ["x"]}',
    'copy = ["data"]\nlink = ["data"]\ntime_scale = 0.5\nlogs = "logs/app.jsonl"\nboundary = "library"',
    'alerts.rules = [{severity = "LOW", component = "x", level = "ERROR", within = "2h", matches = "a"}]',
    'canaries.env.TOKEN = "Bearer {canary}"',
)


@pytest.mark.parametrize("text", VALID)
def test_what_both_accept(read, text: str) -> None:
    """What the reader takes is valid, so that no editor marks what works."""
    read(text)

    assert list(VALIDATOR.iter_errors(tomllib.loads(text))) == []


@pytest.mark.parametrize("text", VALID[1:])
@pytest.mark.parametrize("wrong", [1, True, "", [], {"a": 1}, [{}]], ids=repr)
def test_every_value_of_a_wrong_type(read, project: Path, text: str, wrong: object) -> None:
    """With one value after the other put wrong, the reader refuses whatever the schema refuses."""
    for path in _leaves(tomllib.loads(text)):
        values = _replaced(tomllib.loads(text), path, wrong)
        if VALIDATOR.is_valid(values):
            continue
        with pytest.raises(ConfigurationError):
            read(_toml(values))


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [leaf for key, each in inner for leaf in _leaves(each, (*path, key))]
    return [path, *below] if path else below


def _replaced(value: Any, path: tuple[Any, ...], wrong: object) -> Any:
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    return value


def _toml(values: dict[str, Any]) -> str:
    return "".join(f"{key} = {_written(value)}\n" for key, value in values.items())


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value)
