"""The reference of the Python side: pages of what docstrings, signatures and the two command lines say."""

from __future__ import annotations

import ast
import io
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from mkdocs.structure.files import File, Files

import pytest_resilience
from pytest_resilience import __main__ as command_line
from pytest_resilience import fixtures
from pytest_resilience.plugin import options

PLUGIN = Path(options.__file__).parent
FIXTURE_FILES = ("fixtures.py", "runtime_fixtures.py")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """Return each page's text by its name."""
    return {
        "runtime": _runtime(),
        "errors": "# Errors\n\n" + _module("errors"),
        "events": "# Events\n\n" + _module("events"),
        "testing": "# For your own tests\n\n" + _module("testing"),
        "fixtures": _fixtures(),
        "commands": _commands(),
    }


def _module(name: str) -> str:
    options = "    options:\n      show_root_heading: false\n      show_root_toc_entry: false\n      heading_level: 2\n"
    return f"::: pytest_resilience.{name}\n{options}"


def _objects(names: list[str]) -> str:
    return "\n".join(f"::: {name}\n" for name in names)


def _runtime() -> str:
    """Every public name of the package, under the module that it is in; errors have a page of their own."""
    text = ["# The runtime\n\nEverything here is imported from `pytest_resilience`.\n"]
    homes: dict[str, list[str]] = {}
    for name in pytest_resilience.__all__:
        value = getattr(pytest_resilience, name)
        homes.setdefault(value.__module__, []).append(name)
    homes.pop("pytest_resilience.errors")
    for module, names in sorted(homes.items()):
        text.append(f"## {module.removeprefix('pytest_resilience.runtime.').replace('.', ' / ')}\n")
        text.append(_objects([f"{module}.{name}" for name in names]))
    return "\n".join(text)


def _fixtures() -> str:
    text = ["# Fixtures\n\n| fixture | is |\n|---|---|"]
    text += [
        f"| `{name}` | {docstring.splitlines()[0]} |" for name, docstring in fixture_docstrings().items()
    ]
    text.append(
        "\n## Their types\n\nImported from `pytest_resilience.fixtures`. "
        "`FakeClock` and `EventLog` are [here](testing.md).\n"
    )
    homes = [_home(name) for name in fixtures.__all__]
    text.append(_objects([home for home in homes if not home.startswith("pytest_resilience.testing.")]))
    return "\n".join(text)


def fixture_docstrings() -> dict[str, str]:
    """Return what each public fixture says of itself."""
    found = {}
    for file in FIXTURE_FILES:
        for node in ast.parse((PLUGIN / file).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(
                "fixture" in ast.unparse(one) for one in node.decorator_list
            ):
                found[node.name] = ast.get_docstring(node) or ""
    return {name: docstring for name, docstring in found.items() if not name.startswith("resilience_")}


def _home(name: str) -> str:
    value = getattr(fixtures, name)
    module = value.__module__ if isinstance(value, type) else fixtures.__name__
    return f"{module}.{name}"


def _commands() -> str:
    text = ["# Command lines\n\n## pytest\n\n| option | meaning |\n|---|---|"]
    for name, _, settings in options.OPTIONS:
        value = settings.get("metavar") or "|".join(settings.get("choices") or ())
        text.append(f"| `{name}{'=' + value if value else ''}` | {settings['help'] % settings} |")
    text.append("")
    for command in command_line.COMMANDS:
        title = f"python -m pytest_resilience {command.name}"
        text.append(f"## {title}\n\n```text\n{_help(command.name)}\n```\n")
    return "\n".join(text)


def _help(command: str) -> str:
    """Return what a subcommand prints with `--help`, in lines of a hundred characters."""
    with (
        redirect_stdout(io.StringIO()) as printed,
        suppress(SystemExit),
        mock.patch.dict("os.environ", COLUMNS="100"),
    ):
        command_line.main([command, "--help"])
    return printed.getvalue().rstrip()
