"""What a parameter or attribute may hold by its annotation."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.definitions import stand_in
from pytest_resilience.checklist.static.values import UNKNOWN, Bag, Class, Made, Ref, Value, Values, union
from pytest_resilience.checklist.static.world import Act

_COLLECTIONS = {
    "list",
    "List",
    "Sequence",
    "Iterable",
    "set",
    "Set",
    "tuple",
    "Tuple",
    "Collection",
    "deque",
    "frozenset",
}
_ALIASED = {"Annotated", "Optional", "Union"}
_ALIAS = "typing.alias"
_LAZY = {"Iterator", "Generator", "AsyncIterator", "AsyncGenerator", "Awaitable"}
_TRANSPARENT = {"Optional", "Final", "ClassVar", "Annotated", "Union", *_LAZY}
_PLAIN = {
    "builtins.str",
    "builtins.int",
    "builtins.float",
    "builtins.bool",
    "builtins.bytes",
    "builtins.object",
    "typing.Any",
}


def annotated(act: Act, node: ast.expr) -> Values:
    """Return stand-ins for the objects that an annotation allows."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return annotated(act, ast.parse(node.value, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError):
            return UNKNOWN
    if isinstance(node, ast.BinOp):
        return union((annotated(act, node.left), annotated(act, node.right)))
    if isinstance(node, ast.Subscript):
        return _generic(act, node)
    if isinstance(node, ast.Name | ast.Attribute):
        return union(_allowed(act, kind) for kind in act.value(node))
    return UNKNOWN


def _allowed(act: Act, kind: Value) -> Values:
    """Return stand-ins for the objects of a class, or of what an alias was made of."""
    if isinstance(kind, Made) and kind.type == _ALIAS:
        defined, node = act.world.kept[kind]
        return _generic(defined, node)
    return stand_in(kind) if isinstance(kind, Class | Ref) and _is_of_use(kind) else UNKNOWN


def alias(act: Act, owner: Class | Ref, node: ast.Subscript) -> Values:
    """Return what `owner[...]` stands for: a class as it is, an annotation with what stands in it."""
    if not isinstance(owner, Ref) or owner.path.removeprefix("typing.") not in _ALIASED:
        return frozenset({owner})
    made = Made(_ALIAS, act.source.site(node))
    act.world.kept[made] = act, node
    return frozenset({made})


def _is_of_use(kind: Ref | Class) -> bool:
    return isinstance(kind, Class) or kind.path not in _PLAIN


def _generic(act: Act, node: ast.Subscript) -> Values:
    name = ast.unparse(node.value).rpartition(".")[2]
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Annotated":
        found = _injected(act, parts)
        return found or annotated(act, parts[0])
    if name in _TRANSPARENT:
        return union(annotated(act, part) for part in parts)
    if name in _COLLECTIONS:
        bag = Bag(act.source.site(node))
        act.world.join(bag, "*", union(annotated(act, part) for part in parts))
        return frozenset({bag})
    return annotated(act, node.value)


def _injected(act: Act, parts: list[ast.expr]) -> Values:
    return union(act.world.machine.injected(act, act.value(part), part, parts[0]) for part in parts[1:])
