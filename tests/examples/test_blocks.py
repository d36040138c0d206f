"""Every Python block of the README and the docs that names a file is that file, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(
    r"^<!-- (?P<file>tests/examples/\S+) -->\n(?P<fence>`{3,})\w+\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
PYTHON = re.compile(r"^```python$", re.MULTILINE)


def _blocks(page: Path) -> list[tuple[str, str]]:
    return [(match["file"], match["text"]) for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_are_tested_files(page: Path) -> None:
    """What a reader copies is what the tests run."""
    for file, text in _blocks(page):
        assert text == (ROOT / file).read_text(encoding="utf-8"), f"{page.name} differs from {file}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_python_block_goes_untested(page: Path) -> None:
    """Every Python block names its file."""
    named = sum(file.endswith(".py") for file, _ in _blocks(page))

    assert named == len(PYTHON.findall(page.read_text(encoding="utf-8")))
