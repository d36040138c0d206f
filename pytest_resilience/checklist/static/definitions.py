"""Follows definitions of functions and classes: defaults, decorators, bases."""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.facts import ClassDefinition, Definition
from pytest_resilience.checklist.static.handlers import inside
from pytest_resilience.checklist.static.values import UNKNOWN, Class, Func, Instance, Made, Ref, Values, union
from pytest_resilience.checklist.static.world import Act

_FLAGS = {
    "builtins.property": "property",
    "functools.cached_property": "property",
    "builtins.staticmethod": "static",
    "builtins.classmethod": "class",
    "contextlib.contextmanager": "context",
    "contextlib.asynccontextmanager": "context",
}


def define_function(act: Act, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Bind the name of a function to what its decorators make of it."""
    key = f"{act.source.name}:{_qualified(act, node.name)}@{node.lineno}"
    definition = act.world.functions.get(key)
    if definition is None:
        owner = act.owner if act.in_class else None
        definition = Definition(key, _qualified(act, node.name), node, act.source, owner)
        definition.is_generator = any(
            isinstance(n, ast.Yield | ast.YieldFrom) for n in inside(list(node.body))
        )
        act.world.functions[key] = definition
    function = Func(key, act.context.id)
    act.world.scopes[key] = act.context.id
    values: Values = frozenset({function})
    for decorator in reversed(node.decorator_list):
        if isinstance(decorator, ast.Attribute) and decorator.attr in {"setter", "deleter", "getter"}:
            return
        values = _decorated(act, decorator, values, definition)
    _defaults(act, node, function)
    act.bind(node.name, values)


def _qualified(act: Act, name: str) -> str:
    if act.in_class and act.owner is not None:
        return f"{act.world.classes[act.owner].name}.{name}"
    return name


def _decorated(act: Act, node: ast.expr, values: Values, definition: Definition) -> Values:
    decorators = act.value(node)
    for decorator in decorators:
        if isinstance(decorator, Ref) and decorator.path in _FLAGS:
            definition.flag = _FLAGS[decorator.path]
            return values
    return act.world.machine.decorate(act, decorators, values, node)


def _defaults(act: Act, node: ast.FunctionDef | ast.AsyncFunctionDef, function: Func) -> None:
    """Keep what the parameters hold where nothing is passed."""
    spec = node.args
    named = [*spec.posonlyargs, *spec.args]
    pairs = list(zip(reversed(named), reversed(spec.defaults), strict=False))
    pairs += [(a, d) for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None]
    for parameter, default in pairs:
        act.world.join(function, parameter.arg, act.value(default))


def define_class(act: Act, node: ast.ClassDef) -> Class:
    """Declare a class with its bases; return it."""
    world = act.world
    key = f"{act.source.name}:{node.name}@{node.lineno}"
    definition = world.classes.get(key)
    if definition is None:
        definition = world.classes[key] = ClassDefinition(key, node.name, node, act.source)
    bases = union([act.value(base) for base in node.bases] or [UNKNOWN])
    ordered = [v for base in node.bases for v in act.value(base)] if bases else []
    definition.bases = tuple(b for b in ordered if isinstance(b, Class | Ref))
    definition.is_dataclass = _is_record(node)
    for base in definition.bases:
        if isinstance(base, Class):
            world.subclasses[base.key].add(key)
    names = (
        b.key if isinstance(b, Class) else b.path for b in definition.bases if isinstance(b, Class | Ref)
    )
    world.names.declare(key, tuple(names))
    return Class(key)


def _is_record(node: ast.ClassDef) -> bool:
    names = [ast.unparse(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
    names += [ast.unparse(base) for base in node.bases]
    return any(name.rpartition(".")[2] in _RECORDS for name in names)


_RECORDS = {
    "dataclass",
    "define",
    "frozen",
    "s",
    "attrs",
    "mutable",
    "BaseModel",
    "NamedTuple",
    "BaseSettings",
}


def lineage(act: Act, key: str) -> list[str]:
    """Return a class of the code and its bases of the code, nearest first."""
    return [name for name in act.world.names.ancestors(key) if name in act.world.classes]


def foreign_base(act: Act, key: str) -> str | None:
    """Return the library's class that a class of the code is built on."""
    found = (n for n in act.world.names.ancestors(key) if n not in act.world.classes)
    return next(
        (name for name in found if name not in {"builtins.object", "abc.ABC", "typing.Protocol"}), None
    )


def members(act: Act, instance: Instance, name: str) -> Values:
    """Return what a class has under a name, and where the class is not exact what its subclasses have."""
    world = act.world
    found: list[Values] = []
    for key in lineage(act, instance.key):
        if name in world.classes[key].env:
            found.append(world.classes[key].env[name])
            break
    if not instance.site:
        found += [world.classes[k].env.get(name, UNKNOWN) for k in descendants(act, instance.key)]
    return union(found)


def descendants(act: Act, key: str) -> list[str]:
    """Return all subclasses of a class of the code."""
    found: dict[str, None] = {}
    queue = sorted(act.world.subclasses.get(key, ()))
    while queue:
        one = queue.pop()
        if one not in found:
            found[one] = None
            queue += sorted(act.world.subclasses.get(one, ()))
    return list(found)


def stand_in(kind: Ref | Class) -> Values:
    """Return an object of a class, of which nothing else is known."""
    if isinstance(kind, Class):
        return frozenset({Instance(kind.key)})
    return frozenset({Made(kind.path, "given")})
