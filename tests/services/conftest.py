"""One run folder for the tests of real services."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.services.run_folder import RunFolder

HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # modules of tests are imported by name, whatever pytest's import mode
    sys.path.append(HERE)


@pytest.fixture
def run() -> Iterator[RunFolder]:
    """A run folder that is ended after the test."""
    folder = RunFolder.make()
    yield folder
    folder.end()
