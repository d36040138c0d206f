"""Small programs as workloads, in a run folder that is ended after the test."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.workload.workload import Workload
from pytest_resilience.services.run_folder import RunFolder

Make = Callable[..., Workload]


@pytest.fixture
def run() -> Iterator[RunFolder]:
    """A run folder."""
    folder = RunFolder.make()
    yield folder
    folder.end()


def _braced(command: tuple[str, ...]) -> tuple[str, ...]:
    """Double the braces of code, as a configuration would have to."""
    return tuple(
        word
        if "{{" in word
        else re.sub(r"(?!\{(?:python|port)\})(?<!\{python)(?<!\{port)([{}])", r"\1\1", word)
        for word in command
    )


@pytest.fixture
def make(run: RunFolder, tmp_path: Path) -> Iterator[Make]:
    """A maker of workloads: a command, or the text of a Python program, and what else is declared."""
    made: list[Workload] = []

    def workload(
        *command: str, program: str | None = None, env: dict[str, str] | None = None, **other: Any
    ) -> Workload:
        ours = {"logs", "tweaks", "preparation", "began"}
        declared = {key: value for key, value in other.items() if key not in ours}
        if program is not None:
            (tmp_path / "program.py").write_text(program)
            command = ("{python}", "program.py", *command)
        declaration = WorkloadDeclaration(
            **{"name": "work", "shape": "job", "command": _braced(command), "resume": "rerun", **declared}
        )
        made.append(
            Workload(
                declaration,
                folder=tmp_path,
                environment={"PATH": os.environ["PATH"], **(env or {})},
                run=run,
                **{key: value for key, value in other.items() if key in ours},
            )
        )
        return made[-1]

    yield workload
    for each in made:
        each.close()


@pytest.fixture
def python() -> str:
    """The interpreter of the run."""
    return sys.executable
