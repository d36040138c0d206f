"""Classes of the code, as libraries deal with them: methods called instead of their own, objects that they make."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.definitions import descendants, foreign_base, members
from pytest_resilience.checklist.static.elements import ordered
from pytest_resilience.checklist.static.functions import bind_method, instantiate
from pytest_resilience.checklist.static.values import Arguments, Class, Func, Instance, Value, Values, Wrapped
from pytest_resilience.checklist.static.world import Act

_THROUGH = ("request", "send")
_CLIENTS = dict.fromkeys(("requests.Session", "httpx.Client", "httpx.AsyncClient"), _THROUGH)
"""Clients whose methods for one HTTP method call one that code may write anew."""


def overridden(act: Act, owner: Value | None, path: str) -> list[Value]:
    """Return the methods of the code that a client's own method goes through: `request` where `get` is called."""
    name = path.rpartition(".")[2]
    if not isinstance(owner, Instance) or name in _THROUGH:
        return []
    base = foreign_base(act, owner.key) or ""
    names = next((through for kind, through in _CLIENTS.items() if act.world.names.covers(kind, base)), ())
    found = [
        ordered(frozenset(bind_method(act.world, v, owner) for v in members(act, owner, n))) for n in names
    ]
    return next((one for one in found if one), [])


def handles(act: Act, method: Value) -> bool:
    """Tell whether a method has handlers of errors: what the library's method raises is then not what comes out."""
    if not isinstance(method, Func):
        return isinstance(method, Wrapped)
    return any(isinstance(node, ast.Try) for node in ast.walk(act.world.functions[method.key].node))


def of_class(act: Act, owner: Class, name: str, arguments: Arguments, node: ast.AST) -> Values:
    """Return the subclasses, or what `as_view` of a web framework's view does: it makes an object for each request."""
    if name == "__subclasses__":
        return act.world.bag(act.source.site(node), frozenset(map(Class, descendants(act, owner.key))))
    return instantiate(act, owner, arguments.after(1), node)
