"""What an `except` does with an error: handle it, hide it, translate it, or let it go on as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_resilience.checklist.static.frames import Disposition, Handler
from pytest_resilience.checklist.static.values import Bag, Class, Made, Ref, Seq, Values
from pytest_resilience.checklist.static.world import Act

_LOUD = {"error", "exception", "critical", "fatal"}


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
    return ("swallowed" if is_silent(node.body) else "handled"), None


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


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def bare_logging(node: ast.ExceptHandler) -> list[ast.Call]:
    """Return the calls that log an error without saying of what, unless another call of the handler does."""
    calls = [found for found in inside(node.body) if isinstance(found, ast.Call)]
    verdicts = {call: _is_bare(call, node.name) for call in calls}
    if any(verdict is False for verdict in verdicts.values()):
        return []
    return [call for call, verdict in verdicts.items() if verdict]


def _is_bare(call: ast.Call, error: str | None) -> bool | None:
    """Return whether a call logs without context; none where it does not log."""
    target = ast.unparse(call.func)
    owner, _, method = target.rpartition(".")
    if target in {"print", "traceback.print_exc"}:
        return True
    if method == "log_error":
        return False
    if method not in _LOUD or "log" not in owner.lower():
        return None
    fields = [
        keyword for keyword in call.keywords if keyword.arg not in {"exc_info", "stack_info", "stacklevel"}
    ]
    return not fields and len(call.args) <= 1 and all(_is_plain(part, error) for part in call.args)


def _is_plain(node: ast.expr, error: str | None) -> bool:
    """Return whether a message is a fixed text, with nothing in it or nothing but the error."""
    names = {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}
    return names <= {error, "str", "repr", "e"}
