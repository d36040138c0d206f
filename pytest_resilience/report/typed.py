"""Makes dataclasses from JSON, and says where a file is not what was expected."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Hashable, Mapping
from datetime import date
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
_PLAIN = frozenset({str, int, float, bool})


class ShapeError(ValueError):
    """Say at which place a value is not of the form that is expected there."""


def typed(kind: type[T], data: Any, *, at: str = "$") -> T:
    """Return `data` as an instance of a dataclass; keys that it does not know are passed over.

    Raises:
        ShapeError: a value is missing or of another form.
    """
    if not isinstance(data, Mapping):
        raise ShapeError(f"{at} is {_shown(data)}: expected an object")
    given = {}
    for name, hint, needed in _fields(cast("Hashable", kind)):
        if name in data:
            given[name] = value(hint, data[name], at=f"{at}.{name}")
        elif needed:
            raise ShapeError(f"{at}.{name} is missing")
    return kind(**given)


@cache
def _fields(kind: Hashable) -> tuple[tuple[str, Any, bool], ...]:
    """Return name, annotation, and whether it is needed, of each field."""
    hints = get_type_hints(kind)
    missing = dataclasses.MISSING
    return tuple(
        (each.name, hints[each.name], each.default is missing and each.default_factory is missing)
        for each in dataclasses.fields(cast("Any", kind))
    )


def value(hint: Any, data: Any, *, at: str) -> Any:
    """Return `data` as what a type annotation says.

    Raises:
        ShapeError: it is of another form.
    """
    if hint in _PLAIN and type(data) is hint:
        return data
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return data
    if origin in {Union, types.UnionType}:
        known = next(part for part in parts if part is not type(None))
        return None if data is None else value(known, data, at=at)
    if origin is Literal:
        return _one_of(parts, data, at)
    if origin is not None:
        return _many(origin, parts, data, at)
    return typed(hint, data, at=at) if dataclasses.is_dataclass(hint) else _plain(hint, data, at)  # type: ignore[arg-type]


def _many(origin: type, parts: tuple[Any, ...], data: Any, at: str) -> Any:
    if origin is tuple:
        return tuple(value(parts[0], each, at=f"{at}[{n}]") for n, each in enumerate(_a(list, data, at)))
    return {str(key): value(parts[1], each, at=f"{at}.{key}") for key, each in _a(dict, data, at).items()}


def _one_of(words: tuple[Any, ...], data: Any, at: str) -> Any:
    if data not in words:
        raise ShapeError(f"{at} is {_shown(data)}: expected one of {', '.join(map(str, words))}")
    return data


def _plain(hint: type, data: Any, at: str) -> Any:
    if hint is date and isinstance(data, str):
        try:
            return date.fromisoformat(data)
        except ValueError:
            raise ShapeError(f"{at} is {_shown(data)}: expected a date") from None
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(data, bool) and hint is not bool:
        raise ShapeError(f"{at} is {_shown(data)}: expected {hint.__name__}")
    return _a(hint, data, at)


def _a(kind: type, data: Any, at: str) -> Any:
    if not isinstance(data, kind):
        raise ShapeError(f"{at} is {_shown(data)}: expected {kind.__name__}")
    return data


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."
