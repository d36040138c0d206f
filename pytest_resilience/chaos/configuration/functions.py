"""Functions that a configuration names: their module is there, and has such a name, as far as its text shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from pytest_resilience.chaos.configuration.packages import locate, similar
from pytest_resilience.chaos.configuration.shapes import FUNCTION
from pytest_resilience.chaos.configuration.table import Table

_EVERY = "*"
"""Stands for names that cannot be known without running the module."""


def named_function(table: Table, folder: Path, key: str = "function") -> str | None:
    """Return the function that a key names, or complain that there is none; nothing is imported for it."""
    function = table.text(key)
    if function is None or not FUNCTION.check(table, function, key):
        return function
    module, _, name = function.partition(":")
    file = locate(module, folder)
    if file is None:
        table.complain(
            f"{table.label(key)}: no module {module!r} below {folder}, and none to import{similar(module, folder)}",
            key,
        )
        return function
    names = _names_of(file)
    first = name.partition(".")[0]
    if _EVERY not in names and first not in names:
        close = get_close_matches(first, sorted(names), n=1)
        table.complain(
            f"{table.label(key)}: {file} has no {first!r}{f': did you mean {close[0]!r}?' if close else ''}",
            key,
        )
    return function


def _names_of(file: Path) -> set[str]:
    """Return what a module binds when it is imported; every name where that cannot be read from its text."""
    file = file / "__init__.py" if file.is_dir() else file
    try:
        tree = ast.parse(file.read_bytes()) if file.suffix == ".py" else None
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None:
        return {_EVERY}
    declared = (name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)
    return {*_bound(tree.body), *declared}


def _bound(statements: list[ast.stmt]) -> Iterator[str]:
    """Give the names that these statements bind, whichever way their branches go."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield _EVERY if statement.name == "__getattr__" else statement.name
            continue
        for node in _of_this_scope(statement):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.alias):
                yield (node.asname or node.name).partition(".")[0]
            elif isinstance(node, ast.Name) and (isinstance(node.ctx, ast.Store) or node.id in _DYNAMIC):
                yield _EVERY if node.id in _DYNAMIC else node.id


_DYNAMIC = ("globals", "vars", "exec", "setattr", "locals")
"""With these a module may bind anything."""


def _of_this_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Give a node and what is below it, but not what is in functions and classes, whose names are their own."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        for below in ast.iter_child_nodes(node):
            yield from _of_this_scope(below)
