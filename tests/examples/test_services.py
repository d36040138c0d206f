"""The page on services: a folder with these files, as a reader makes it, is green."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "services"


def test_services_page(pytester: pytest.Pytester) -> None:
    """What the page shows is all that it takes."""
    for file in FILES.iterdir():
        if file.is_file():
            shutil.copy(file, pytester.path)
    (pytester.path / "laboratory.py").rename(pytester.path / "test_laboratory.py")

    pytester.runpytest_subprocess("--chaos").assert_outcomes(passed=4)
