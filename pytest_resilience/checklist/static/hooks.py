"""Runs the functions that a library is given to call inside its own calls: where these are made."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable

from pytest_resilience.checklist.static.catalogue.model import Hook
from pytest_resilience.checklist.static.elements import elements, ordered
from pytest_resilience.checklist.static.frames import Frame, Handler
from pytest_resilience.checklist.static.library_guards import settings_of
from pytest_resilience.checklist.static.listed_paths import listed
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Func,
    Made,
    Partial,
    Value,
    Values,
    Wrapped,
    union,
)
from pytest_resilience.checklist.static.world import Act


def without_hooks(act: Act, path: str, arguments: Arguments) -> Arguments:
    """Keep the functions that a call hands to a library for its own calls, and return the other arguments."""
    hook = _hook(act, path)
    if hook is None:
        return arguments
    if not hook.guard:
        _keep(act, hook.library, hook, arguments)
    positional = tuple(
        UNKNOWN if hook.function == at else part for at, part in enumerate(arguments.positional)
    )
    keywords = {name: part for name, part in arguments.keywords.items() if name not in hook.keywords}
    return Arguments(positional, keywords, arguments.open)


def keep_for_guard(act: Act, owner: Value | None, path: str, given: Arguments, where: str) -> None:
    """Keep the functions that a retry or the like was given, for the calls of what it guards.

    Args:
        act: where it is.
        owner: the guard, where it was made before.
        path: what is called.
        given: what it was made with.
        where: where it stands, by which its frames know it.
    """
    hook = _hook(act, owner.type if isinstance(owner, Made) else path)
    if hook is not None and hook.guard:
        _keep(act, where, hook, given)


def enter_loop(act: Act, over: Values, node: ast.AST) -> None:
    """Call the functions that a retry was given over which a loop goes."""
    for value in ordered(over):
        if isinstance(value, Made):
            keep_for_guard(act, value, value.type, settings_of(act, value), value.site)
            run_hooks(act, [value.site], node)


def run_hooks(act: Act, keys: Iterable[Hashable], node: ast.AST) -> None:
    """Call the functions that were kept for a library or a guard, here."""
    for key in dict.fromkeys(keys):
        for function in ordered(act.world.held(("hooks", key), "*")):
            before, steps = act.frames, len(act.context.steps)
            act.world.machine.force(
                act, act.world.machine.call(act, function, Arguments(open=True), node), node
            )
            act.frames = before
            del act.context.steps[steps:]


def _hook(act: Act, path: str) -> Hook | None:
    found = listed(act, path, act.world.catalogue.hooks)
    return act.world.catalogue.hooks[found] if found is not None else None


def _keep(act: Act, key: Hashable, hook: Hook, arguments: Arguments) -> None:
    given = [arguments.keywords.get(name, UNKNOWN) for name in hook.keywords]
    given += [arguments.get(hook.function, None) or UNKNOWN]
    functions = [value for part in given for value in (*part, *elements(act, part)) if _is_code(value)]
    act.world.join(("hooks", key), "*", union(_raising(value, hook) for value in functions))


def _is_code(value: Value) -> bool:
    """Tell whether it is a function of the code: what a library's own raises, its calls raise."""
    while isinstance(value, Partial | Wrapped):
        value = value.func
    return isinstance(value, Func)


def _raising(value: Value, hook: Hook) -> Values:
    """Return a function some of whose errors come out as the library's own, for which its calls are judged."""
    if not hook.translates:
        return frozenset({value})
    handler = Handler(hook.translates, "translated", hook.library, hook.raises)
    return frozenset({Wrapped(value, (Frame("try", hook.library, hook.library, (handler,)),))})
