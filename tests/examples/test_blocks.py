"""Every block of the README and the docs is a file of the examples, word for word."""

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
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>.*)\n(?:.*\n)*?(?P=fence)$", re.MULTILINE)
SHOWN = {"console"}
"""Blocks that show a session with programs that are not here; everything else is a file."""


def _blocks(page: Path) -> list[tuple[str, str]]:
    return [(match["file"], match["text"]) for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_are_tested_files(page: Path) -> None:
    """What a reader copies is what the tests run."""
    for file, text in _blocks(page):
        assert text == (ROOT / file).read_text(encoding="utf-8"), f"{page.name} differs from {file}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_goes_untested(page: Path) -> None:
    """Every block names its file, whatever language it is in."""
    blocks = [match["info"] for match in FENCE.finditer(page.read_text(encoding="utf-8"))]

    assert len(_blocks(page)) == len([info for info in blocks if info not in SHOWN])
