"""The page on adding a fault: the tests that it names are there."""

from __future__ import annotations

import shlex
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def test_the_tests_that_are_named_are_there() -> None:
    words = shlex.split((HERE / "fault_tests.sh").read_text(encoding="utf-8"))
    named = [word for word in words if word.startswith("tests/")]

    assert named
    assert [word for word in named if not (ROOT / word).exists()] == []
