"""The steps of `init`: SQL files, and commands that end by themselves."""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from pytest_resilience.chaos.configuration.model import ServiceDeclaration
from pytest_resilience.chaos.configuration.placeholders import fill_command
from pytest_resilience.chaos.configuration.services import is_sql_file
from pytest_resilience.chaos.known_state.sql_file import InitError
from pytest_resilience.services.process import ChildProcess, Command, ServiceStartError, indented_tail
from pytest_resilience.services.run_folder import RunFolder

TIMEOUT = 600.0
"""Seconds after which a command of `init` is taken to hang."""


def digest(declaration: ServiceDeclaration, folder: Path) -> str:
    """Return what the known state follows from, as a short text: equal where it is equal."""
    parts = [declaration.kind, declaration.name, declaration.dialect, repr(sorted(declaration.env.items()))]
    seen = hashlib.sha256(repr(parts).encode())
    for step in declaration.init:
        seen.update(b"\0" + step.encode())
        if is_sql_file(step, folder) and (folder / step).is_file():
            seen.update(b"\0" + (folder / step).read_bytes())
    return seen.hexdigest()[:16]


def run_command(
    declaration: ServiceDeclaration, step: str, *, folder: Path, env: Mapping[str, str], run: RunFolder
) -> None:
    """Run a command to its end.

    Args:
        declaration: whose `init` it is of.
        step: the command, with its placeholders.
        folder: where it runs.
        env: its whole environment.
        run: the folder and the owner of its process.

    Raises:
        InitError: it failed.
    """
    arguments = fill_command(step, {"python": sys.executable})
    log = run.folder("init") / f"{declaration.name}-{secrets.token_hex(4)}.log"
    command = Command(arguments=arguments, log=log, run=run, env=env, cwd=folder)
    name = f"the init command {step!r} of service {declaration.name}"
    try:
        status = ChildProcess(name, command).finish(timeout=TIMEOUT)
    except ServiceStartError as error:
        raise InitError(str(error)) from error
    if status != 0:
        raise InitError(
            f"{name} ended with status {status}; the last lines of what it wrote:\n{indented_tail(log, 25)}"
        )
