"""What one is asked to call: whether it is asynchronous, whether it can be called again at all, and its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import (
    isasyncgen,
    isasyncgenfunction,
    iscoroutine,
    iscoroutinefunction,
    isgenerator,
    isgeneratorfunction,
)
from typing import Any


def is_async(func: Callable[..., Any]) -> bool:
    """Return whether a function, a partial of one, or a callable object returns a coroutine."""
    return iscoroutinefunction(func) or iscoroutinefunction(getattr(func, "__call__", None))  # noqa: B004


def require_function(func: Callable[..., Any]) -> None:
    """Refuse what cannot be called, and generators, whose code runs after the call has returned."""
    if not callable(func):
        raise TypeError(f"expected a function, got {func!r}")
    if isgeneratorfunction(func) or isasyncgenfunction(func):
        raise TypeError(
            f"{name_of(func)} is a generator: its code runs after the call has returned. Decorate the function "
            f"that consumes it, or retry inside it with `for attempt in policy`."
        )


def puts_off(value: object, given: object) -> bool:
    """Return whether what a function returned has yet to run, with what the function was given.

    So it is with a lambda around an asynchronous function: nothing has happened when it returns.
    """
    if iscoroutine(value):
        value.close()  # nobody will await it, and Python need not complain of that
        return True
    frame = value.gi_frame if isgenerator(value) else value.ag_frame if isasyncgen(value) else None
    return frame is not None and any(local is given for local in frame.f_locals.values())


def name_of(func: Callable[..., Any]) -> str:
    """Return a function's name for messages: module and qualified name, never its arguments."""
    inner = func.func if isinstance(func, partial) else func
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    return f"{getattr(inner, '__module__', None) or type(inner).__module__}.{name}"
