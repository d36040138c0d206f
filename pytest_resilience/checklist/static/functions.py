"""Calls functions and classes of the code: binds arguments, follows the body once for each set of them."""

from __future__ import annotations

import ast
from collections.abc import Hashable

from pytest_resilience.checklist.static.definitions import foreign_base, lineage, members
from pytest_resilience.checklist.static.facts import (
    ClassDefinition,
    Context,
    Definition,
    Edge,
    FunctionNode,
    Step,
)
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.statements import execute, prepare
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Bag,
    Class,
    Const,
    Deferred,
    Func,
    Instance,
    Seq,
    Value,
    Values,
    Wrapped,
    union,
)
from pytest_resilience.checklist.static.world import Act, World

MOST_VARIANTS = 6
"""A function that is called with more different arguments than this is followed once more, with all of them."""
MOST_LITERALS = 2
"""Of calls that differ in literals alone, so many are followed apart."""
MOST_CONTEXTS = 1500
"""In code that takes more than this, and twice its functions, none is followed apart any more."""
DEEPEST = 24
"""Calls deeper than this are followed later, from the top."""


def call_function(
    act: Act, function: Func, arguments: Arguments, node: ast.AST, *, detached: bool = False
) -> Values:
    """Follow a call of a function of the code; return what it may give."""
    definition = act.world.functions.get(function.key)
    if definition is None:
        return UNKNOWN
    context = activate(act.world, definition, function, arguments)
    if definition.is_generator or isinstance(definition.node, ast.AsyncFunctionDef):
        return _postponed(act, definition, context, node, detached=detached)
    connect(act, context.id, (), node, detached=detached)
    return context.returned


def connect(
    act: Act, callee: int, frames: tuple[Frame, ...], node: ast.AST, *, detached: bool = False
) -> None:
    """Note who calls whom, with what around; what is detached keeps its own guards alone."""
    around = frames if detached else (*frames, *act.frames)
    edge = Edge(act.context.id, around, getattr(node, "lineno", 0), detached)
    act.world.edges[callee][edge] = None
    step = Step("call", act.place(node), None, callee, act.loops > 0, act.transactions > 0)
    act.context.steps.append(step)


def _postponed(
    act: Act, definition: Definition, context: Context, node: ast.AST, *, detached: bool
) -> Values:
    if detached:
        connect(act, context.id, (), node, detached=True)
        act.world.forced.add(context.id)
        return context.returned
    kind = "context" if definition.flag == "context" else "lazy"
    act.world.created.setdefault(context.id, (act.context.id, act.frames, kind, getattr(node, "lineno", 0)))
    return frozenset({Deferred(kind, context.id)})


def activate(world: World, definition: Definition, function: Func, arguments: Arguments) -> Context:
    """Return the context of a function with some arguments, followed in this round, or to be followed later."""
    bound = _bound(world, definition, function, arguments)
    base = (function.key, function.scope, function.receiver)
    key: Hashable = (base, tuple(sorted(bound.items(), key=lambda entry: entry[0])))
    if key not in world.ids:
        if _is_one_too_many(world, base, bound):
            key, bound = (base, "any"), _widened(world, base, bound)
        label = definition.name
        world.variants[base].add(world.context(key, label, definition.source.where(definition.node)).id)
    elif world.ids[key] not in world.variants[base]:
        world.variants[base].add(world.ids[key])
    context = world.contexts[world.ids[key]]
    context.run = lambda: _follow(world, definition, function, context, bound)
    world.started.add(definition.key)
    if context.round != world.round:
        context.round = world.round
        if world.depth < DEEPEST:
            context.run()
        else:
            world.pending.append(context.id)
    return context


def _is_one_too_many(world: World, base: Hashable, bound: dict[str, Values]) -> bool:
    """Return whether a function was followed with different arguments often enough."""
    shapes = (
        (name, frozenset(v for v in values if not isinstance(v, Const))) for name, values in bound.items()
    )
    rough = (base, tuple(sorted(shapes, key=lambda shape: shape[0])))
    world.variants[rough].add(len(world.variants[rough]))
    most = MOST_VARIANTS if len(world.contexts) < MOST_CONTEXTS + 2 * len(world.functions) else 1
    return len(world.variants[base]) >= most or len(world.variants[rough]) > MOST_LITERALS


def _widened(world: World, base: object, bound: dict[str, Values]) -> dict[str, Values]:
    holder = ("arguments", base)
    for name, values in bound.items():
        world.join(holder, name, values)
    return {name: world.held(holder, name) for name in bound}


def _follow(
    world: World, definition: Definition, function: Func, context: Context, bound: dict[str, Values]
) -> None:
    outer = world.acts.get(function.scope)
    act = Act(world, definition.source, context, dict(bound), outer, definition.owner, function.receiver)
    act.node_of_function = definition.node
    world.acts[context.id] = act
    context.steps = []
    world.depth += 1
    try:
        _follow_body(act, definition.node)
    except RecursionError:
        world.project.notes.append(f"{context.where}: {context.label} is nested too deeply to be followed")
    finally:
        world.depth -= 1


def _follow_body(act: Act, node: FunctionNode) -> None:
    _annotate(act, node)
    if isinstance(node, ast.Lambda):
        act.node = node
        act.context.returned = union((act.context.returned, act.value(node.body)))
    else:
        prepare(act, node.body)
        execute(act, node.body)


def _annotate(act: Act, node: FunctionNode) -> None:
    """Give parameters of which nothing is known what their annotations say."""
    spec = node.args
    for parameter in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs):
        known = act.env.get(parameter.arg, UNKNOWN)
        known = act.world.machine.injected(act, known, node, parameter.annotation) or known
        act.env[parameter.arg] = known
        useful = frozenset(v for v in known if not (isinstance(v, Const) and v.value is None))
        if not useful and parameter.annotation is not None:
            act.env[parameter.arg] = union((known, act.world.machine.annotated(act, parameter.annotation)))


def _bound(world: World, definition: Definition, function: Func, arguments: Arguments) -> dict[str, Values]:
    """Return what each parameter holds."""
    spec = definition.node.args
    names = [parameter.arg for parameter in (*spec.posonlyargs, *spec.args)]
    given = list(arguments.positional)
    if function.receiver is not None and definition.flag != "static":
        given.insert(0, frozenset({function.receiver}))
    bound = dict(zip(names, given, strict=False))
    rest = given[len(names) :]
    extra: dict[str, Values] = {}
    known = {*names, *(parameter.arg for parameter in spec.kwonlyargs)}
    for name, values in arguments.keywords.items():
        (bound if name in known else extra)[name] = values
    for name in known - set(bound):
        bound[name] = world.held(Func(function.key, function.scope), name)
    if spec.vararg is not None:
        bound[spec.vararg.arg] = UNKNOWN if arguments.open and not rest else frozenset({Seq(tuple(rest))})
    if spec.kwarg is not None:
        bound[spec.kwarg.arg] = _options(world, function, extra, is_open=arguments.open)
    return bound


def _options(world: World, function: Func, extra: dict[str, Values], *, is_open: bool) -> Values:
    site = f"{function.key} {function.scope} {sorted((k, sorted(map(repr, v))) for k, v in extra.items())}"
    bag = Bag(f"options {hash_of(site)}")
    for name, values in extra.items():
        world.join(bag, f"[{name}]", values)
        world.join(bag, "values", values)
    if is_open:
        world.join(bag, "open", frozenset({Const(True)}))
    return frozenset({bag})


def hash_of(text: str) -> str:
    """Return a short name of a long text."""
    return text if len(text) < 200 else f"{text[:120]}…{len(text)}…{text[-60:]}"


def instantiate(act: Act, kind: Class, arguments: Arguments, node: ast.AST) -> Values:
    """Follow the making of an object of a class of the code."""
    world = act.world
    instance = Instance(kind.key, act.source.site(node))
    world.instantiated.add(kind.key)
    fill(act, instance, arguments)
    for method in members(act, instance, "__init__"):
        if isinstance(method, Func):
            call_function(act, Func(method.key, method.scope, instance), arguments, node)
    if members(act, instance, "__post_init__"):
        for method in world.machine.attribute(act, instance, "__post_init__", node):
            world.machine.call(act, method, Arguments(), node)
    base = foreign_base(act, kind.key)
    if base is not None:
        world.make(base, instance.site, arguments)
    return frozenset({instance})


def fill(act: Act, instance: Instance, arguments: Arguments) -> None:
    """Give the fields of a record what is passed, or what their annotations say."""
    world = act.world
    classes = [world.classes[key] for key in reversed(lineage(act, instance.key))]
    if not any(c.is_dataclass for c in classes):
        return
    for position, (name, holder, annotation) in enumerate(_fields(classes)):
        given = arguments.get(position, name)
        if given is None and not world.classes[holder].env.get(name):
            inner = Act(world, world.classes[holder].source, act.context, {}, None, holder)
            given = world.machine.annotated(inner, annotation)
        if given:
            world.join(instance, name, given)


def _fields(classes: list[ClassDefinition]) -> list[tuple[str, str, ast.expr]]:
    return [
        (statement.target.id, one.key, statement.annotation)
        for one in classes
        for statement in one.node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]


def bind_method(world: World, value: Value, receiver: Value) -> Value:
    """Return a function as a method of an object."""
    if isinstance(value, Wrapped):
        return Wrapped(bind_method(world, value.func, receiver), value.frames)
    if not isinstance(value, Func) or value.receiver is not None:
        return value
    flag = world.functions[value.key].flag
    if flag == "static":
        return value
    if flag == "class" and isinstance(receiver, Instance):
        return Func(value.key, value.scope, Class(receiver.key))
    if isinstance(receiver, Class) and flag != "class":
        return value
    return Func(value.key, value.scope, receiver)
