"""What an `except` does with an error: handle it, hide it, translate it, or let it go on as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pytest_resilience.checklist.static.frames import Disposition, Handler
from pytest_resilience.checklist.static.values import Bag, Class, Made, Ref, Seq, Values
from pytest_resilience.checklist.static.world import Act


def handler(act: Act, node: ast.ExceptHandler, function: ast.AST) -> Handler:
    """Return what a handler catches and does."""
    catches = names_of(act, act.value(node.type)) if node.type is not None else ("builtins.BaseException",)
    kept = act.world.kept
    key = (node, min(act.world.round, 3))
    if key not in kept:
        kept[key] = _disposition(act, node, function)
    disposition, raises = kept[key]
    return Handler(catches, disposition, act.source.where(node), raises)


def names_of(act: Act, values: Values) -> tuple[str, ...]:
    """Return the names of the classes among the alternatives, through tuples and collections."""
    found: dict[str, None] = {}
    for value in values:
        if isinstance(value, Ref):
            found[value.path] = None
        elif isinstance(value, Class):
            found[value.key] = None
        elif isinstance(value, Seq):
            found.update(dict.fromkeys(name for item in value.items for name in names_of(act, item)))
        elif isinstance(value, Bag):
            found.update(dict.fromkeys(names_of(act, act.world.held(value, "*"))))
    return tuple(sorted(found))


def inside(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all that runs in some statements: not the bodies of functions defined there."""
    queue: list[ast.AST] = list(nodes)
    while queue:
        node = queue.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            queue[:0] = list(ast.iter_child_nodes(node))


def _disposition(act: Act, node: ast.ExceptHandler, function: ast.AST) -> tuple[Disposition, str | None]:
    names = _kept_as(node)
    translated: str | None = None
    for statement in inside(node.body):
        if not isinstance(statement, ast.Raise):
            continue
        if statement.exc is None or (isinstance(statement.exc, ast.Name) and statement.exc.id in names):
            return "reraised", None
        translated = _raised(act, statement.exc)
    if _raised_later(names - {node.name or ""}, function):
        return "reraised", None
    if translated is not None:
        return "translated", translated
    hides = is_silent(node.body) and not _fails_later(node, function)
    return ("swallowed" if hides else "handled"), None


def _kept_as(node: ast.ExceptHandler) -> set[str]:
    """Return the names that the error has: its own, and those that it is assigned to."""
    names = {node.name} if node.name else set()
    for statement in inside(node.body):
        value = statement.value if isinstance(statement, ast.Assign) else None
        if isinstance(statement, ast.Assign) and isinstance(value, ast.Name) and value.id in names:
            names |= {ast.unparse(target) for target in statement.targets}
    return names


def _raised_later(names: set[str], function: ast.AST) -> bool:
    """Return whether the error is raised again after its handler, as in `raise last_error`."""
    if not names:
        return False
    body = getattr(function, "body", [])
    raises = [n for n in inside(body if isinstance(body, list) else []) if isinstance(n, ast.Raise) and n.exc]
    return any(ast.unparse(found.exc) in names for found in raises if found.exc is not None)


def _raised(act: Act, node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    values = act.value(target)
    names = names_of(act, frozenset(v for v in values if not isinstance(v, Made)))
    return names[0] if names else ast.unparse(target)


def is_silent(body: list[ast.stmt]) -> bool:
    """Return whether a handler does nothing that anybody could notice."""
    return all(
        isinstance(statement, ast.Pass | ast.Continue)
        or (isinstance(statement, ast.Return) and _is_nothing(statement.value))
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in body
    )


def _fails_later(node: ast.ExceptHandler, function: ast.AST) -> bool:
    """Return whether what follows the `try`, or a loop around it, may raise: attempts are over, nothing was found."""
    chain = _way_to(node, function)
    for outer, inner in pairwise(chain):
        if isinstance(outer, ast.For | ast.AsyncFor | ast.While) and _raises(outer.orelse):
            return True
        if isinstance(inner, ast.Try | ast.For | ast.AsyncFor | ast.While):
            block: Sequence[ast.AST] = next((b for b in _blocks(outer) if inner in b), [])
            following = block[block.index(inner) + 1 :][:1] if inner in block else []
            if any(isinstance(one, ast.Raise | ast.If) and _raises([one]) for one in following):
                return True
    return False


def _way_to(node: ast.AST, start: ast.AST) -> list[ast.AST]:
    """Return what a node stands in, from the inside out: itself at the end, without the functions in between."""
    for child in ast.iter_child_nodes(start):
        if child is node:
            return [start, node]
        found = _way_to(node, child)
        if found:
            return [start, *found]
    return []


def _blocks(node: ast.AST) -> Iterator[Sequence[ast.AST]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


def _raises(body: Sequence[ast.AST]) -> bool:
    return any(isinstance(found, ast.Raise) for part in body for found in ast.walk(part))


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
