"""What tests of the sample applications share: an application put together in a folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from assemble import assemble
from catalogue import APPS


@pytest.fixture
def assembled(tmp_path: Path) -> Callable[[str], Path]:
    """Put applications together by name."""
    return lambda name: assemble(APPS[name], tmp_path / name)
