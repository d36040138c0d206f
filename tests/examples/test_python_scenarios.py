"""The section on scenarios in Python: a folder with these files, as a reader makes it, is green."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "python_scenarios"


def test_scenarios_in_python(pytester: pytest.Pytester) -> None:
    """What the page shows is all that it takes."""
    for file in FILES.iterdir():
        if file.is_file():
            shutil.copy(file, pytester.path)
    (pytester.path / "scenarios_in_python.py").rename(pytester.path / "test_scenarios_in_python.py")

    pytester.runpytest_subprocess("--chaos", "--chaos-explore=off").assert_outcomes(passed=6)
