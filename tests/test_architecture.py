"""The shape of the tree: what the guide promises about its size, its words and its tests holds."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_resilience"
MODULES = sorted(PACKAGE.rglob("*.py"))
APPS = ROOT / "tests" / "apps"
"""Applications under test wait as applications do."""
TESTS = sorted(
    path
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "scenarios").rglob("*.py")]
    if APPS not in path.parents or path.parent == APPS
)
EXAMPLES = ROOT / "tests" / "examples"
TUTORIAL = EXAMPLES / "tutorial"
"""An application, too: its waits are between the tries of a retry."""
LONGEST_FILE = 300
MUDDY_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "misc", "base"}


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_modules_say_their_idea() -> None:
    """Every module begins with a docstring."""
    silent = [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]

    assert silent == []


def test_modules_are_named_after_what_they_do() -> None:
    """There is no drawer for everything else."""
    assert [path for path in MODULES if path.stem in MUDDY_NAMES] == []


def test_files_are_short() -> None:
    """No module is longer than it can be read at once, and most are under 200 lines."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}
    assert sum(length <= 200 for length in lengths.values()) / len(lengths) >= 0.9


def test_functions_are_short() -> None:
    """The median is at most 10 lines, and nine in ten have at most 30."""
    lengths = sorted(_length(node) for path in MODULES for node in _functions(path))

    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 30


@pytest.mark.parametrize(
    "path",
    [path for path in TESTS if TUTORIAL not in path.parents],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_test_sleeps(path: Path) -> None:
    """A test waits for a condition, or drives the clock."""
    calls = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    ]

    assert [node.lineno for node in calls if ast.unparse(node.func) in {"time.sleep", "sleep"}] == []


def test_every_test_states_its_fact() -> None:
    """Every test function has a docstring, but for the blocks of the pages, which explain themselves there."""
    silent = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in TESTS
        if not path.is_relative_to(EXAMPLES)
        for node in _functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert silent == []


def test_nothing_speaks_of_one_machine() -> None:
    """No file names a folder of the machine that it was written on."""
    places = ("/wor" + "k/", "/roo" + "t/", "../shar" + "ed")
    found = [
        str(path.relative_to(ROOT))
        for folder in ("pytest_resilience", "scenarios", "tests", "benchmarks", "docs", ".ci")
        for path in (ROOT / folder).rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(ROOT / folder).parts)
        and path.is_file()
        and path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sql", ""}
        if any(place in path.read_text(encoding="utf-8") for place in places)
    ]

    assert found == []
