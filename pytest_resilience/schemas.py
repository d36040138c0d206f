"""Print the JSON Schema of a file that people write, or that a run leaves behind, for editors and other checkers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

HOMES: Mapping[str, str] = {
    "configuration": "chaos.configuration",
    "scenario": "chaos.scenario",
    "waivers": "checklist.waivers",
    "report": "report",
}
"""Which package has which schema, as its `schema.json`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument(
        "name",
        choices=HOMES,
        help="of resilience.toml; of scenario files; of resilience-waivers.toml; of report.json",
    )
    parser.add_argument("--path", action="store_true", help="print where it is installed instead")


def run(arguments: argparse.Namespace) -> int:
    """Print it and return 0."""
    home = _file(arguments.name)
    text = str(home) if arguments.path else home.read_text(encoding="utf-8").rstrip()
    sys.stdout.write(text + "\n")
    return 0


def schema(name: str) -> dict[str, Any]:
    """Return a schema by its name: `configuration`, `scenario`, `waivers`, or `report`."""
    parsed: dict[str, Any] = json.loads(_file(name).read_text(encoding="utf-8"))
    return parsed


def _file(name: str) -> Traversable:
    return files(f"pytest_resilience.{HOMES[name]}") / "schema.json"
