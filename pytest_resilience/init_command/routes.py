"""Which requests a file's handlers answer, and which other files' handlers its application takes in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_VERBS = ("get", "post", "put", "patch", "delete")
_ROUTERS = {"APIRouter": "prefix", "Blueprint": "url_prefix"}
"""What groups handlers, of FastAPI and Flask, and where their common beginning stands."""
_TAKES_IN = {"include_router": "prefix", "register_blueprint": "url_prefix"}
_PLAIN = r"[^\s{<]*"
"""A path without parameters: what they should be is not known."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a handler answers.

    Args:
        method: GET where Django's urls do not tell it.
        path: as it stands at the handler.
        owner: the variable that it is bound to, an application or a router; empty for Django's.
    """

    method: str
    path: str
    owner: str


@dataclass(frozen=True, slots=True)
class Include:
    """Handlers that stand elsewhere.

    Args:
        owner: what takes them in.
        target: the router, as an expression; for Django the module of its urls.
        prefix: what their paths begin with.
        is_module: whether the target is the name of a module.
    """

    owner: str
    target: str
    prefix: str
    is_module: bool = False


@dataclass(frozen=True, slots=True)
class Routes:
    """All that one file shows.

    Args:
        answered: what its handlers answer.
        includes: whose handlers are taken in.
        prefixes: its routers, and what their paths begin with.
        names: what is imported under which name, dotted.
    """

    answered: tuple[Route, ...] = ()
    includes: tuple[Include, ...] = ()
    prefixes: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def routes_in(nodes: Sequence[ast.AST], names: Iterable[tuple[str, str]]) -> Routes:
    """Return what a file shows, where these names are imported."""
    return Routes(
        answered=tuple(_answered(nodes)),
        includes=tuple(_includes(nodes)),
        prefixes=dict(_prefixes(nodes)),
        names=dict(names),
    )


def _answered(nodes: Sequence[ast.AST]) -> Iterator[Route]:
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "path":
            yield from _of_django(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
                    yield from _of_decorator(decorator, decorator.func)


def _of_django(call: ast.Call) -> Iterator[Route]:
    """Give what `path("health/", view)` answers; what it includes stands elsewhere, and so do an admin's pages."""
    route = _text(call.args[0]) if len(call.args) > 1 else None
    if route is not None and re.fullmatch(_PLAIN, route):
        view = ast.unparse(call.args[1])
        if not view.startswith("include(") and not view.endswith(".urls"):
            yield Route("GET", f"/{route}", "")


def _of_decorator(call: ast.Call, called: ast.Attribute) -> Iterator[Route]:
    path = _text(call.args[0]) if call.args else None
    if path is None or not re.fullmatch(rf"(?:/{_PLAIN})?", path):
        return
    owner = ast.unparse(called.value)
    if called.attr in _VERBS:
        yield Route(called.attr.upper(), path, owner)
    elif called.attr == "route":
        methods = next((each.value for each in call.keywords if each.arg == "methods"), None)
        written = re.findall(r"[A-Z]+", ast.unparse(methods)) if methods else ["GET"]
        yield from (Route(method, path, owner) for method in written)


def _includes(nodes: Sequence[ast.AST]) -> Iterator[Include]:
    for node in nodes:
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in _TAKES_IN:
            prefix = _keyword(node, _TAKES_IN[node.func.attr])
            if prefix is not None:
                yield Include(ast.unparse(node.func.value), ast.unparse(node.args[0]), prefix)
        elif ast.unparse(node.func) == "path" and len(node.args) > 1:
            yield from _included_by_django(node)


def _included_by_django(call: ast.Call) -> Iterator[Include]:
    prefix, view = _text(call.args[0]), call.args[1]
    if isinstance(view, ast.Call) and ast.unparse(view.func) == "include" and view.args:
        module = _text(view.args[0])
        if prefix is not None and re.fullmatch(_PLAIN, prefix) and module is not None:
            yield Include("", module, f"/{prefix}".rstrip("/"), is_module=True)


def _prefixes(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            keyword = _ROUTERS.get(ast.unparse(node.value.func).rpartition(".")[2])
            prefix = None if keyword is None else _keyword(node.value, keyword)
            if prefix is not None:
                yield from ((target.id, prefix) for target in node.targets if isinstance(target, ast.Name))


def _keyword(call: ast.Call, name: str) -> str | None:
    """Return a text that is given by keyword, empty where it is not; none where it is no text without parameters."""
    value = next((each.value for each in call.keywords if each.arg == name), None)
    text = "" if value is None else _text(value)
    return text if text is not None and re.fullmatch(_PLAIN, text) else None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
