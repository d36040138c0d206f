"""Finds errors that are logged without saying of what: no field of the record, nothing but a fixed text."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.definitions import foreign_base
from pytest_resilience.checklist.static.handlers import inside
from pytest_resilience.checklist.static.values import Instance, Made, Value
from pytest_resilience.checklist.static.world import Act

_LOUD = {"error", "exception", "critical", "fatal"}
_BINDING = {"bind", "new", "contextualize"}
_ELSEWHERE = {"bind_contextvars", "bound_contextvars", "contextualize"}
"""What gives the records of other calls their fields."""
_OWN = {"msg", "args", "message", "exc_info", "exc_text", "stack_info", "levelname", "levelno", "name"}
"""What a record has anyway; a filter that writes these redacts."""


def bare_logging(act: Act, node: ast.ExceptHandler) -> list[ast.Call]:
    """Return the calls that log an error without saying of what, unless another call of the handler does.

    Where fields are given to records from elsewhere, reading cannot tell, and finds nothing.
    """
    if _gives_fields_elsewhere(act):
        return []
    calls = [found for found in inside(node.body) if isinstance(found, ast.Call)]
    verdicts = {call: _is_bare(act, call, node.name) for call in calls}
    if any(verdict is False for verdict in verdicts.values()):
        return []
    return [call for call, verdict in verdicts.items() if verdict]


def _gives_fields_elsewhere(act: Act) -> bool:
    found: bool | None = act.world.kept.get("fields from elsewhere")
    if found is None:
        trees = [source.tree for source in act.world.project.modules.values()]
        found = any(_gives_fields(node) for tree in trees for node in ast.walk(tree))
        act.world.kept["fields from elsewhere"] = found
    return found


def _gives_fields(node: ast.AST) -> bool:
    """Return whether this binds fields for what follows, or is a filter or factory that gives a record a field."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        return name in _ELSEWHERE
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(
        isinstance(t, ast.Attribute) and ast.unparse(t.value) == "record" and t.attr not in _OWN
        for t in targets
    )


def _is_bare(act: Act, call: ast.Call, error: str | None) -> bool | None:
    """Return whether a call logs without context; none where it does not log."""
    target = ast.unparse(call.func)
    owner, _, method = target.rpartition(".")
    if target in {"print", "traceback.print_exc"}:
        return True
    if method == "log_error":
        return False
    if method not in _LOUD or "log" not in owner.lower():
        return None
    if isinstance(call.func, ast.Attribute) and any(_has_fields(act, v) for v in act.value(call.func.value)):
        return False
    fields = [
        keyword for keyword in call.keywords if keyword.arg not in {"exc_info", "stack_info", "stacklevel"}
    ]
    return not fields and len(call.args) <= 1 and all(_is_plain(part, error) for part in call.args)


def _is_plain(node: ast.expr, error: str | None) -> bool:
    """Return whether a message is a fixed text, with nothing in it or nothing but the error."""
    names = {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}
    return names <= {error, "str", "repr", "e"}


def _has_fields(act: Act, logger: Value) -> bool:
    """Return whether a logger was made with fields: bound ones, or those of an adapter."""
    if isinstance(logger, Instance):
        return (foreign_base(act, logger.key) or "").endswith("LoggerAdapter")
    parts = logger.type.split(".") if isinstance(logger, Made) else []
    return bool(_BINDING & set(parts)) or "LoggerAdapter" in parts
