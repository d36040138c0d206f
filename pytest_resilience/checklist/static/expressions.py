"""What each kind of expression may stand for."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

from pytest_resilience.checklist.static.annotated_types import alias
from pytest_resilience.checklist.static.arguments import passed
from pytest_resilience.checklist.static.assignments import assign
from pytest_resilience.checklist.static.elements import elements, ordered, shallow
from pytest_resilience.checklist.static.facts import Definition
from pytest_resilience.checklist.static.stores import STATE, context_of, kept, share_state, store_of
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Bag,
    Class,
    Const,
    Func,
    Made,
    Member,
    Ref,
    Seq,
    Value,
    Values,
    consts,
    union,
)
from pytest_resilience.checklist.static.world import Act

_BUILTINS = frozenset(vars(builtins))


def evaluate(act: Act, node: ast.expr) -> Values:
    """Return what an expression may stand for; what is unknown is followed for the calls in it."""
    rule = _RULES.get(type(node))
    if rule is not None:
        return rule(act, node)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            act.value(child)
    return UNKNOWN


def _name(act: Act, node: ast.Name) -> Values:
    found = act.lookup(node.id)
    if found is not None:
        return found
    if node.id == "__name__":
        return frozenset({Const("__main__"), Const(act.source.name)})
    return frozenset({Ref(f"builtins.{node.id}")}) if node.id in _BUILTINS else UNKNOWN


def _constant(_: Act, node: ast.Constant) -> Values:
    return frozenset({Const(node.value)}) if not isinstance(node.value, bytes | complex) else UNKNOWN


def _joined(act: Act, node: ast.JoinedStr) -> Values:
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            act.value(part.value)
    first = node.values[0] if node.values else None
    start = first.value if isinstance(first, ast.Constant) else ""
    if not start and isinstance(first, ast.FormattedValue):
        return frozenset(
            v for v in act.value(first.value) if isinstance(v, Const) and isinstance(v.value, str)
        )
    return frozenset({Const(start)})


def _attribute(act: Act, node: ast.Attribute) -> Values:
    owners = act.value(node.value)
    if node.attr == "state" and all(map(_is_of_web_application, owners)):
        return frozenset({STATE})
    known = context_of(act, node, owners)
    return union(act.world.machine.attribute(act, owner, node.attr, node) for owner in known)


def _is_of_web_application(owner: Value) -> bool:
    """Tell whether it is an application, or what leads to one as a request does; of the unknown that is assumed."""
    path = owner.type if isinstance(owner, Made) else owner.path if isinstance(owner, Member | Ref) else ""
    return path.partition(".")[0] in {"fastapi", "starlette"}


def _binary(act: Act, node: ast.BinOp) -> Values:
    """Wait strategies are added, classes are joined with `|`, texts are formatted; other results are of no interest."""
    left, right = act.value(node.left), act.value(node.right)
    if isinstance(node.op, ast.Add) and any(isinstance(v, Made) for v in left | right):
        return frozenset({act.world.make("operator.add", act.source.site(node), Arguments((left, right)))})
    if isinstance(node.op, ast.Add) and any(isinstance(v, Seq) for v in left):
        return frozenset({Seq(_items(left) + _items(right))})
    if isinstance(node.op, ast.BitOr):
        return union((left, right))
    return frozenset(v for v in left if isinstance(v, Const) and isinstance(v.value, str))


def _items(values: Values) -> tuple[Values, ...]:
    return tuple(item for value in values if isinstance(value, Seq) for item in value.items)


def _compare(act: Act, node: ast.Compare) -> Values:
    for part in (node.left, *node.comparators):
        if not isinstance(part, ast.Constant):
            act.value(part)
    return UNKNOWN


def _bool(act: Act, node: ast.BoolOp) -> Values:
    return union(act.value(part) for part in node.values)


def _if(act: Act, node: ast.IfExp) -> Values:
    act.value(node.test)
    return union((act.value(node.body), act.value(node.orelse)))


def _unary(act: Act, node: ast.UnaryOp) -> Values:
    values = act.value(node.operand)
    if isinstance(node.op, ast.USub):
        numbers = [v for v in consts(values) if isinstance(v, int | float)]
        return frozenset(Const(-v) for v in numbers)
    return UNKNOWN


def _tuple(act: Act, node: ast.Tuple) -> Values:
    if any(isinstance(part, ast.Starred) for part in node.elts):
        return _bag(act, node, node.elts)
    return frozenset({Seq(tuple(shallow(act.value(part)) for part in node.elts))})


def _list(act: Act, node: ast.List | ast.Set) -> Values:
    return _bag(act, node, node.elts)


def _bag(act: Act, node: ast.expr, parts: list[ast.expr]) -> Values:
    bag = Bag(act.source.site(node))
    for part in parts:
        values = act.value(part.value if isinstance(part, ast.Starred) else part)
        act.world.join(bag, "*", elements(act, values) if isinstance(part, ast.Starred) else values)
    return frozenset({bag})


def _dict(act: Act, node: ast.Dict) -> Values:
    bag = Bag(act.source.site(node))
    for key, part in zip(node.keys, node.values, strict=True):
        values = act.value(part)
        names = consts(act.value(key)) if key is not None else []
        if key is None:
            for other in values:
                if isinstance(other, Bag):
                    _copy(act, other, bag)
            continue
        act.world.join(bag, "*", act.value(key))
        act.world.join(bag, "values", values)
        for name in names:
            act.world.join(bag, f"[{name}]", values)
    return frozenset({bag})


def _copy(act: Act, source: Bag, target: Bag) -> None:
    for name, values in list(act.world.heap.get(source, {}).items()):
        act.world.join(target, name, values)


def _subscript(act: Act, node: ast.Subscript) -> Values:
    index = act.value(node.slice)
    owners, keys = store_of(act, node.value, act.value(node.value)), consts(index)
    found: list[Values] = [kept(act, owner, index) for owner in owners]
    for owner in owners:
        if isinstance(owner, Seq):
            found += _indexed(owner, keys)
        elif isinstance(owner, Bag):
            named = [act.world.held(owner, f"[{key}]") for key in keys]
            found += named if any(named) else [act.world.held(owner, "values"), act.world.held(owner, "*")]
        elif isinstance(owner, Class | Ref):
            found.append(alias(act, owner, node))
    return union(found)


def _indexed(owner: Seq, keys: list[object]) -> list[Values]:
    picked = [
        owner.items[k] for k in keys if isinstance(k, int) and -len(owner.items) <= k < len(owner.items)
    ]
    return picked or list(owner.items)


def _comprehension(act: Act, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Values:
    bag = Bag(act.source.site(node))
    _generators(act, node.generators)
    act.world.join(bag, "*", act.value(node.elt))
    act.weak -= 1
    return frozenset({bag})


def _dict_comprehension(act: Act, node: ast.DictComp) -> Values:
    bag = Bag(act.source.site(node))
    _generators(act, node.generators)
    act.world.join(bag, "*", act.value(node.key))
    act.world.join(bag, "values", act.value(node.value))
    act.weak -= 1
    return frozenset({bag})


def _generators(act: Act, generators: list[ast.comprehension]) -> None:
    act.weak += 1
    for generator in generators:
        assign(act, generator.target, elements(act, act.value(generator.iter)))
        for test in generator.ifs:
            act.value(test)


def _lambda(act: Act, node: ast.Lambda) -> Values:
    key = act.source.site(node)
    act.world.functions.setdefault(key, Definition(key, "lambda", node, act.source, None))
    return frozenset({Func(key, act.context.id)})


def _await(act: Act, node: ast.Await) -> Values:
    return act.world.machine.force(act, act.value(node.value), node)


def _yield(act: Act, node: ast.Yield) -> Values:
    values = act.value(node.value) if node.value is not None else UNKNOWN
    share_state(act, values)
    _give(act, values)
    return UNKNOWN


def _give(act: Act, values: Values) -> None:
    context = act.context
    context.around_yield = act.frames
    after = union((context.yielded, values))
    if after != context.yielded:
        context.yielded = after
        act.world.changed = True


def _yield_from(act: Act, node: ast.YieldFrom) -> Values:
    _give(act, elements(act, act.value(node.value)))
    return UNKNOWN


def _named(act: Act, node: ast.NamedExpr) -> Values:
    values = act.value(node.value)
    act.bind(node.target.id, values)
    return values


def _starred(act: Act, node: ast.Starred) -> Values:
    return elements(act, act.value(node.value))


def _call(act: Act, node: ast.Call) -> Values:
    arguments = passed(act, node)
    callees = act.value(node.func)
    if isinstance(node.func, ast.Name) and node.func.id == "super" and act.lookup("super") is None:
        return act.world.machine.attribute(act, Ref("builtins.super"), "()", node)
    if not callees:
        return act.world.machine.call(act, Const(None), arguments, node)
    return union(act.world.machine.call(act, callee, arguments, node) for callee in ordered(callees))


_RULES: dict[type[ast.AST], Callable[[Act, Any], Values]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.JoinedStr: _joined,
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.BoolOp: _bool,
    ast.Compare: _compare,
    ast.IfExp: _if,
    ast.UnaryOp: _unary,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Set: _list,
    ast.Dict: _dict,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.Lambda: _lambda,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
    ast.NamedExpr: _named,
    ast.Starred: _starred,
    ast.Call: _call,
}
