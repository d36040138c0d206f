"""One run folder for the tests of real services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_resilience.services.run_folder import RunFolder


@pytest.fixture
def run() -> Iterator[RunFolder]:
    """A run folder that is ended after the test."""
    folder = RunFolder.make()
    yield folder
    folder.end()
