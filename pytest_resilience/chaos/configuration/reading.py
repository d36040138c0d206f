"""Read what a team has declared, checked, or say all that is wrong with it."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.configuration.error import ConfigurationError
from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.configuration.settings import default_configuration, read_settings
from pytest_resilience.chaos.configuration.table import Complaints, Table
from pytest_resilience.chaos.configuration.toml_positions import KeyPath, key_positions
from pytest_resilience.chaos.position import Complaint, Position

OWN_FILE = "resilience.toml"
PROJECT_FILE = "pyproject.toml"
PREFIX = ("tool", "resilience")

_NEARLY = 0.89
"""How alike two names are, from 0 to 1, for the one to be a slip of the other: a letter or two."""
_PACKAGE = frozenset({"pytest-resilience", "pytest_resilience"})
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_configuration(root: Path) -> Configuration:
    """Return the configuration of a project.

    It stands under `[tool.resilience]` in `pyproject.toml`, or without that prefix in `resilience.toml`, in the given
    folder; no other folder is looked at. Where neither file has one, nothing is declared and the defaults hold.

    Args:
        root: the project's folder, pytest's rootpath; relative paths start here.

    Raises:
        ConfigurationError: something is wrong with it; it lists everything that is.
    """
    root = root.absolute()
    own, project = _own_table(root / OWN_FILE), _project_table(root / PROJECT_FILE)
    if own is not None and project is not None:
        message = (
            f"there is a {OWN_FILE} too: keep one of them, what is declared twice disagrees sooner or later"
        )
        project.complain(message)
        raise ConfigurationError(project.complaints.in_order())
    table = own or project
    return default_configuration(root) if table is None else _checked(table, root)


def configuration_of(file: Path, text: str) -> Configuration:
    """Return what a text says that is to be written to one of the two files, checked as if it stood there.

    Raises:
        ConfigurationError: something is wrong with it.
    """
    values, complaints = _parsed(file, text)
    table = _prefixed(values, complaints) if file.name == PROJECT_FILE else Table(values, (), complaints)
    return default_configuration(file.parent) if table is None else _checked(table, file.parent)


def has_configuration(file: Path) -> bool:
    """Return whether a `pyproject.toml` has the table; a file that is not TOML is refused."""
    return _project_table(file) is not None


def _checked(table: Table, root: Path) -> Configuration:
    configuration = read_settings(table, root)
    if table.complaints.found:
        raise ConfigurationError(table.complaints.in_order())
    return configuration


def _own_table(file: Path) -> Table | None:
    if not file.is_file():
        return None
    values, complaints = _parsed(file, _text(file))
    table = _prefixed(values, complaints)
    if table is not None:
        table.complain(f"in {OWN_FILE} the keys stand without the prefix [tool.resilience]: take it away")
        raise ConfigurationError(complaints.in_order())
    return Table(values, (), complaints)


def _project_table(file: Path) -> Table | None:
    if not file.is_file():
        return None
    values, complaints = _parsed(file, _text(file))
    table = _prefixed(values, complaints)
    if table is None:
        _refuse_other_spelling(values, complaints)
    if complaints.found:
        raise ConfigurationError(complaints.in_order())
    return table


def _refuse_other_spelling(values: dict[str, Any], complaints: Complaints) -> None:
    """Complain of a table whose name is nearly ours: passed over, all that it declares would be untested."""
    tools = values.get(PREFIX[0])
    names = tools if isinstance(tools, dict) else {}
    for name in (*get_close_matches(PREFIX[1], names, cutoff=_NEARLY), *_PACKAGE.intersection(names)):
        complaints.add((PREFIX[0], name), f"[tool.{name}] is unknown: did you mean [tool.resilience]?")


def _prefixed(values: dict[str, Any], complaints: Complaints) -> Table | None:
    """Return the table under the prefix, if there is one."""
    inner: Any = values
    path: KeyPath = ()
    for key in PREFIX:
        if not isinstance(inner, dict) or key not in inner:
            return None
        inner, path = inner[key], (*path, key)
    if not isinstance(inner, dict):
        complaints.add(path, "tool.resilience has to be a table: write [tool.resilience]")
        inner = {}
    return Table(inner, path, complaints)


def _parsed(file: Path, text: str) -> tuple[dict[str, Any], Complaints]:
    try:
        return tomllib.loads(text), Complaints(file, key_positions(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([_syntax_error(file, text, str(error))]) from error
    except RecursionError as error:
        raise _unreadable(file, "it is nested too deeply") from error


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        message = f"this is not UTF-8, as TOML is: {error.reason}"
        raise ConfigurationError([Complaint(Position(file, line, column), message)]) from error
    except OSError as error:
        raise _unreadable(file, f"it cannot be read: {error.strerror}") from error


def _syntax_error(file: Path, text: str, message: str) -> Complaint:
    place = _PLACE.search(message)
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    else:
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    return Complaint(Position(file, line, column), f"this is not TOML: {_PLACE.sub('', message)}")


def _unreadable(file: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Complaint(Position(file, 1, 1), message)])
