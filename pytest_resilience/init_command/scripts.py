"""The commands that a project installs, as pyproject.toml, setup.cfg or setup.py declare them."""

from __future__ import annotations

import ast
import configparser
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Script:
    """A command that a project installs.

    Args:
        name: what is typed.
        target: what it calls, `module:function`.
        file: where it is declared.
    """

    name: str
    target: str
    file: str


def scripts_of(folder: Path) -> tuple[Script, ...]:
    """Return the commands; where several files declare one, pyproject.toml counts. What cannot be read has none."""
    found: dict[str, Script] = {}
    for file, read in (
        ("setup.py", _in_setup_py),
        ("setup.cfg", _in_setup_cfg),
        ("pyproject.toml", _in_pyproject),
    ):
        with suppress(OSError, ValueError, SyntaxError, RecursionError, configparser.Error):
            text = (folder / file).read_text(encoding="utf-8-sig")
            found |= {name: Script(name, target, file) for name, target in read(text)}
    return tuple(found.values())


def _in_pyproject(text: str) -> Iterator[tuple[str, str]]:
    values: Any = tomllib.loads(text)
    for path in (("tool", "poetry", "scripts"), ("project", "scripts")):
        table = values
        for key in path:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        if isinstance(table, dict):
            yield from ((name, target) for name, target in table.items() if isinstance(target, str))


def _in_setup_cfg(text: str) -> Iterator[tuple[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    yield from _pairs(parser.get("options.entry_points", "console_scripts", fallback="").splitlines())


def _in_setup_py(text: str) -> Iterator[tuple[str, str]]:
    """Give those that stand there as they are: `entry_points={"console_scripts": ["name = module:function"]}`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "entry_points" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "console_scripts":
                    yield from _pairs(
                        each.value for each in ast.walk(value) if isinstance(each, ast.Constant)
                    )


def _pairs(lines: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Read `name = module:function [extra]`, one a line."""
    for line in lines:
        name, equals, target = str(line).partition("=")
        if equals and target.strip():
            yield name.strip(), target.partition("[")[0].strip()
